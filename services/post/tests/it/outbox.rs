//! What was written is announced, whatever happens between the two.

use std::collections::BTreeSet;
use std::time::Duration;

use events::{Event, PostCreated, PostDeleted, PostUpdated};
use mongodb::Collection;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use post::config::Command;
use serde_json::json;
use service_kit::Settings as _;
use test_kit::{Proxy, assert_problem, object_id, rabbitmq_url};
use tokio::time::Instant;

use crate::stage::{Stage, Stores, id, path};

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

async fn posts(stage: &Stage) -> Collection<Document> {
    stage.database().await.collection("posts")
}

/// Waits until so many posts match.
async fn until(stage: &Stage, what: Document, count: u64) {
    let posts = posts(stage).await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let counted = posts.count_documents(what.clone()).await;
        if counted.expect("a count") == count {
            return;
        }
        assert!(Instant::now() < deadline, "not yet {count} of {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// A stage whose broker can be cut off.
async fn with_broker() -> (Proxy, Stage) {
    let broker = Proxy::open(&rabbitmq_url()).await;
    let stage = Stage::with(Stores {
        rabbitmq: broker.url.clone(),
        ..Stores::new()
    })
    .await;

    (broker, stage)
}

/// A change that somebody else made some time ago and did not announce.
fn left(ago: Duration) -> Document {
    let then = DateTime::now().timestamp_millis() - i64::try_from(ago.as_millis()).expect("fits");
    let then = DateTime::from_millis(then);

    doc! { "at": then, "due": then, "requestId": "r-1", "traceparent": "t-1" }
}

fn written(pending: Document) -> Document {
    let object_id = || ObjectId::parse_str(object_id()).expect("an id");

    doc! {
        "_id": object_id(),
        "user": object_id(),
        "content": "left behind",
        "mediaIds": [],
        "createdAt": DateTime::now(),
        "updatedAt": DateTime::now(),
        "version": 1_i64,
        "pending": pending,
    }
}

#[tokio::test]
async fn what_is_announced_is_noted() {
    let stage = Stage::new().await;
    let author = stage.person();
    let post = author.write("first").await;
    author
        .patch(&path(&post), &json!({"content": "second"}))
        .await;
    until(&stage, doc! { "pending": null }, 1).await;

    author.delete(&path(&post)).await;
    until(&stage, doc! {}, 0).await;
}

#[tokio::test]
async fn what_a_dead_process_wrote_is_announced_by_another() {
    let stage = Stage::new().await;
    let post = written(left(Duration::from_secs(60)));
    posts(&stage).await.insert_one(&post).await.expect("stored");

    let message = stage.listen().next().await;
    let event = message.parse::<PostCreated>().expect("the event").data;
    assert_eq!(
        event.post_id,
        post.get_object_id("_id").expect("an id").to_hex()
    );
    assert_eq!(event.content, "left behind");
    assert_eq!(message.origin().request_id, "r-1");
    until(&stage, doc! { "pending": null }, 1).await;
}

#[tokio::test]
async fn what_a_dead_process_deleted_is_announced_and_removed_by_another() {
    let (broker, stage) = with_broker().await;
    let author = stage.person();
    broker.cut();
    let mut expected = BTreeSet::new();
    for number in 0..5 {
        expected.insert(id(&author.write(&format!("{number}")).await).to_owned());
    }
    let pending = left(Duration::from_secs(60));
    let delete = doc! {
        "$set": { "deletedAt": DateTime::now(), "pending": pending },
        "$inc": { "version": 1_i64 },
    };
    let posts = posts(&stage).await;
    posts.update_many(doc! {}, delete).await.expect("an update");
    broker.reopen();

    let mut ear = stage.listen();
    while !expected.is_empty() {
        let message = ear.next().await;
        if let Ok(event) = message.parse::<PostDeleted>() {
            assert_eq!(event.data.version, 2);
            expected.remove(&event.data.post_id);
        }
    }
    until(&stage, doc! {}, 0).await;
}

#[tokio::test]
async fn what_was_changed_while_the_broker_was_away_is_announced_as_it_is() {
    let (broker, stage) = with_broker().await;
    let author = stage.person();
    broker.cut();
    let (changed, deleted) = (author.write("first").await, author.write("other").await);
    for content in ["second", "third"] {
        let edit = json!({"content": content});
        let answer = author.patch(&path(&changed), &edit).await;
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(author.delete(&path(&deleted)).await.status(), 200);
    assert_problem(author.get(&path(&deleted)).await, 404, "post_not_found").await;
    broker.reopen();

    let mut ear = stage.listen();
    let (mut last, mut is_deleted) = (None, false);
    while last.is_none() || !is_deleted {
        let message = ear.next().await;
        match message.kind() {
            PostUpdated::TYPE => {
                let event = message.parse::<PostUpdated>().expect("the event").data;
                assert_eq!(event.post_id, id(&changed));
                if event.version == 3 {
                    last = Some(event.content);
                }
            }
            PostDeleted::TYPE => {
                let event = message.parse::<PostDeleted>().expect("the event").data;
                assert_eq!(event.post_id, id(&deleted));
                is_deleted = true;
            }
            _ => {}
        }
    }
    assert_eq!(last.as_deref(), Some("third"));
    until(&stage, doc! { "pending": null }, 1).await;
    until(&stage, doc! {}, 1).await;
}

#[tokio::test]
async fn a_post_of_somebody_who_is_gone_goes_even_if_its_writer_died() {
    let stage = Stage::new().await;
    let post = written(left(Duration::from_secs(60)));
    let gone = doc! { "_id": post.get_object_id("user").expect("an id"), "since": DateTime::now() };
    let users = stage.database().await.collection::<Document>("goneUsers");
    users.insert_one(gone).await.expect("stored");
    posts(&stage).await.insert_one(post).await.expect("stored");

    until(&stage, doc! {}, 0).await;
}

#[tokio::test]
async fn replicas_share_what_is_left_and_none_is_left_out() {
    let first = Stage::new().await;
    let second = first.replica().await;
    let left: Vec<_> = (0..1000)
        .map(|_| written(left(Duration::from_secs(60))))
        .collect();
    let mut expected: BTreeSet<_> = left
        .iter()
        .map(|post| post.get_object_id("_id").expect("an id").to_hex())
        .collect();
    posts(&first).await.insert_many(left).await.expect("stored");

    let mut ear = first.listen();
    while !expected.is_empty() {
        let event = ear.next().await.parse::<PostCreated>().expect("the event");
        expected.remove(&event.data.post_id);
    }
    until(&second, doc! { "pending": null }, 1000).await;
}

#[tokio::test]
async fn a_change_that_waits_long_is_told() {
    let (broker, stage) = with_broker().await;
    assert_eq!(stage.unready("outbox").await, None);
    broker.cut();
    let post = written(left(Duration::from_secs(3600)));
    posts(&stage).await.insert_one(post).await.expect("stored");

    let deadline = Instant::now() + PATIENCE;
    while stage.unready("outbox").await.is_none() {
        assert!(Instant::now() < deadline, "nothing is told");
        tokio::time::sleep(POLL).await;
    }
    broker.reopen();
    until(&stage, doc! { "pending": null }, 1).await;
    while stage.unready("outbox").await.is_some() {
        assert!(Instant::now() < deadline + PATIENCE, "it is told still");
        tokio::time::sleep(POLL).await;
    }
}

#[tokio::test]
async fn every_post_is_announced_again_on_request() {
    let stage = Stage::new().await;
    let author = stage.person();
    let mut written = Vec::new();
    for number in 0..3 {
        written.push(author.write(&format!("{number}")).await);
    }
    let gone = author.write("gone").await;
    author.delete(&path(&gone)).await;
    until(&stage, doc! { "pending": null }, 3).await;
    let mut ear = stage.listen();
    let mut ids = BTreeSet::new();
    for _ in 0..5 {
        ids.insert(ear.next().await.id());
    }

    let mut config = stage.config.clone();
    config.command = Some(Command::Reindex { after: None });
    let reindex = config.task().expect("a task");
    reindex.await.expect("done");
    for _ in 0..3 {
        let message = ear.next().await;
        let event = message.parse::<PostCreated>().expect("the event").data;
        assert!(written.iter().any(|post| id(post) == event.post_id));
        assert!(ids.contains(&message.id()), "the same event as before");
    }
}
