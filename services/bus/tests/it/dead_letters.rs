//! What is put aside can be looked at, given back and forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bus::{DeadLettersCommand, DeadLettersError, Message, Queue};
use clap::{FromArgMatches as _, Subcommand as _};
use events::{Envelope, Event, PostCreated, TOMBSTONE_LIFETIME};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::stage::{Following, Stage, envelope, next, publisher, wait_until};

#[derive(Debug, thiserror::Error)]
#[error("it is broken\nin two lines")]
struct Broken;

/// What a command prints, as somebody would type it.
async fn run(stage: &Stage, arguments: &[&str]) -> Result<String, DeadLettersError> {
    let program = clap::Command::new("dead-letters").no_binary_name(true);
    let program = DeadLettersCommand::augment_subcommands(program);
    let matches = program.get_matches_from(arguments);
    let command = DeadLettersCommand::from_arg_matches(&matches).expect("a command");
    let mut out = Vec::new();
    command
        .run(&stage.broker, Queue::SearchPosts, &mut out)
        .await?;

    Ok(String::from_utf8(out).expect("text"))
}

/// A consumer that fails for good until it is repaired, and what it handles then.
fn breakable(stage: &Stage) -> (Following, Arc<AtomicBool>, mpsc::UnboundedReceiver<Message>) {
    let is_broken = Arc::new(AtomicBool::new(true));
    let (sender, received) = mpsc::unbounded_channel();
    let broken = is_broken.clone();
    let following = stage.follow(move |message| {
        let (is_broken, sender) = (broken.clone(), sender.clone());
        async move {
            if is_broken.load(Ordering::Relaxed) {
                return Err(bus::Failure::Poison(Broken.to_string()));
            }
            Ok(sender.send(message)?)
        }
    });

    (following, is_broken, received)
}

async fn until_dead(following: &Following, count: u64) {
    let handled = following.consumer.handled();
    let kinds = ["post.deleted.v1", "post.created.v1"];
    wait_until("events are put aside", || {
        let dead = kinds.map(|kind| handled.with_label_values(&[kind, "dead_letter"]).get());
        dead.iter().sum::<u64>() == count
    })
    .await;
}

fn old() -> Envelope<PostCreated> {
    let data = PostCreated {
        post_id: test_kit::object_id(),
        user_id: test_kit::object_id(),
        content: "old".to_owned(),
        media_ids: Vec::new(),
        created_at: Timestamp::now(),
        version: 1,
    };
    let age = TOMBSTONE_LIFETIME + Duration::from_secs(60);
    let then = Timestamp::now() - SignedDuration::try_from(age).expect("in range");

    Envelope::new(data, then, envelope().origin)
}

#[tokio::test]
async fn an_event_is_listed_shown_and_given_back() {
    let stage = Stage::new().await;
    let (following, is_broken, mut received) = breakable(&stage);
    let publisher = publisher(&stage.broker).await;
    let sent = [envelope(), envelope(), envelope()];
    for sent in &sent {
        publisher.publish(sent).await.expect("confirmed");
    }
    until_dead(&following, 3).await;

    for _ in 0..2 {
        let list = run(&stage, &["list"]).await.expect("listed");
        assert_eq!(list.lines().count(), 3, "{list}");
        for sent in &sent {
            let line = format!(
                "{}\tpost.deleted.v1\t{}\tit is broken in two lines",
                sent.id, sent.occurred_at
            );
            assert!(list.lines().any(|listed| listed == line), "{line}\n{list}");
        }
    }
    let id = sent[1].id.to_string();
    let shown = run(&stage, &["show", &id]).await.expect("shown");
    let whole = serde_json::to_string(&sent[1]).expect("JSON");
    assert_eq!(shown, format!("{whole}\n"));

    is_broken.store(false, Ordering::Relaxed);
    let said = run(&stage, &["replay", &id]).await.expect("replayed");
    assert_eq!(said, "1 replayed\n");
    let handled = next(&mut received).await;
    assert_eq!(
        (handled.id(), handled.origin()),
        (sent[1].id, &sent[1].origin)
    );

    let said = run(&stage, &["replay", "--all"]).await.expect("replayed");
    assert_eq!(said, "2 replayed\n");
    let rest = [
        next(&mut received).await.id(),
        next(&mut received).await.id(),
    ];
    assert!(rest.contains(&sent[0].id) && rest.contains(&sent[2].id));
    assert_eq!(run(&stage, &["list"]).await.expect("listed"), "");
}

#[tokio::test]
async fn what_is_dropped_is_gone_and_what_is_unknown_is_said() {
    let stage = Stage::new().await;
    let (following, _, _received) = breakable(&stage);
    following.ready().await;
    stage.publish_bytes(PostCreated::TYPE, b"no event").await;
    publisher(&stage.broker)
        .await
        .publish(&envelope())
        .await
        .expect("confirmed");
    until_dead(&following, 2).await;

    let unknown = run(&stage, &["drop", "nothing"]).await;
    let unknown = unknown.expect_err("an unknown id").to_string();
    assert_eq!(unknown, "there is no dead letter nothing");
    let list = run(&stage, &["list"]).await.expect("listed");
    let foreign = list.lines().find(|line| line.contains("\t-\t-\t"));
    let id = foreign.expect("what is no event").split('\t').next();
    let said = run(&stage, &["drop", id.expect("an id")]).await;
    assert_eq!(said.expect("dropped"), "1 dropped\n");
    let said = run(&stage, &["drop", "--all"]).await;
    assert_eq!(said.expect("dropped"), "1 dropped\n");
    assert_eq!(run(&stage, &["list"]).await.expect("listed"), "");
}

#[tokio::test]
async fn an_event_that_could_bring_back_what_was_deleted_is_not_given_back() {
    let stage = Stage::new().await;
    let (following, is_broken, _received) = breakable(&stage);
    let old = old();
    publisher(&stage.broker)
        .await
        .publish(&old)
        .await
        .expect("confirmed");
    until_dead(&following, 1).await;
    is_broken.store(false, Ordering::Relaxed);

    let said = run(&stage, &["replay", "--all"]).await.expect("an answer");
    let refused = format!("{} is not replayed: it is older than 7 days", old.id);
    assert!(said.starts_with(&refused), "{said}");
    assert!(said.ends_with("0 replayed\n"), "{said}");
    assert_eq!(
        run(&stage, &["list"])
            .await
            .expect("listed")
            .lines()
            .count(),
        1
    );
}

/// RabbitMQ before 4.1.1 has another order after a restart than it had when it gave messages back, if that was not the
/// order it had delivered them in; what is acknowledged later is then another message. See `src/walk.rs`.
#[tokio::test]
async fn letters_that_are_looked_at_keep_their_order() {
    let stage = Stage::new().await;
    let _declared = publisher(&stage.broker).await;
    let mut ids: Vec<_> = (1..=600).map(|number| format!("letter-{number}")).collect();
    for id in &ids {
        stage.put_dead_letter(id).await;
    }

    let last = ids.pop().expect("the last");
    let said = run(&stage, &["show", &last]).await.expect("shown");
    assert_eq!(said, "no event\n");
    let said = run(&stage, &["drop", &last]).await.expect("dropped");
    assert_eq!(said, "1 dropped\n");
    for _ in 0..2 {
        let list = run(&stage, &["list"]).await.expect("listed");
        let listed: Vec<_> = list
            .lines()
            .filter_map(|line| line.split('\t').next())
            .collect();
        assert_eq!(listed, ids);
    }
    let said = run(&stage, &["drop", "--all"]).await.expect("dropped");
    assert_eq!(said, "599 dropped\n");
}

#[tokio::test]
async fn dead_letters_are_counted() {
    let stage = Stage::new().await;
    let (following, ..) = breakable(&stage);
    publisher(&stage.broker)
        .await
        .publish(&envelope())
        .await
        .expect("confirmed");
    until_dead(&following, 1).await;
    following.stop().await;

    // Counted when following begins, and from time to time.
    let (again, ..) = breakable(&stage);
    let dead = again.consumer.dead_letters();
    wait_until("it is counted", || dead.get() == 1).await;
}
