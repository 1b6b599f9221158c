//! The copy follows events, in any order and however often they come.

use events::UserDeleted;
use futures::future::join_all;
use search::config::Command;
use service_kit::Settings as _;
use test_kit::{database_url, object_id, rabbitmq_url};

use crate::stage::{Stage, config, deleted, post, until, updated};

#[tokio::test]
async fn a_deleted_post_is_no_longer_found() {
    let stage = Stage::new().await;
    let gone = post("the harbour");
    stage.publish(gone.clone()).await;
    stage.found("harbour", 1).await;

    stage.publish(deleted(&gone)).await;
    stage.found("harbour", 0).await;
}

#[tokio::test]
async fn a_post_deleted_before_it_was_created_stays_deleted() {
    let stage = Stage::new().await;
    let gone = post("the harbour at night");
    stage.publish(deleted(&gone)).await;
    stage.publish(deleted(&gone)).await;
    stage.publish(gone.clone()).await;
    stage.publish(gone).await;

    // Several events are handled at once, so only what all of them came to is waited for.
    stage.settled(4).await;
    assert!(stage.search("harbour").await.is_empty());
}

#[tokio::test]
async fn events_of_one_post_that_come_at_once_leave_the_newest() {
    let stage = Stage::new().await;
    let first = post("the harbour");
    let all = [
        stage.publish(updated(&first, 2, "the mountain")),
        stage.publish(updated(&first, 4, "the last harbour")),
        stage.publish(updated(&first, 3, "the forest")),
        stage.publish(updated(&first, 4, "the last harbour")),
    ];
    tokio::join!(stage.publish(first.clone()), join_all(all));

    stage.settled(5).await;
    assert_eq!(stage.texts("harbour").await, ["the last harbour"]);
}

#[tokio::test]
async fn what_was_posted_while_search_was_away_is_found_afterwards() {
    let config = config(&database_url(), &rabbitmq_url());
    let first = Stage::start(config.clone()).await;
    first.service.ask_to_stop();
    let missed = post("the harbour");
    first.publish(missed.clone()).await;
    let kept = post("the harbour too");
    first.publish(kept).await;
    first.publish(deleted(&missed)).await;

    let again = Stage::start(config).await;
    again.settled(1).await;
    until("the kept post is found alone", async || {
        again.texts("harbour").await == ["the harbour too"]
    })
    .await;
}

#[tokio::test]
async fn a_changed_post_is_found_by_its_newest_words_alone() {
    let stage = Stage::new().await;
    let first = post("the harbour");
    // The older events come last, and the newest twice.
    for (version, content) in [(3, "the mountain"), (2, "the forest"), (3, "the mountain")] {
        stage.publish(updated(&first, version, content)).await;
        stage.found("mountain", 1).await;
    }
    stage.publish(first).await;
    stage.settled(4).await;

    let found = stage.search("mountain").await;
    assert_eq!(found[0]["content"], "the mountain");
    assert_eq!(found[0]["createdAt"], "2026-11-12T08:30:00.120Z");
    assert_eq!(found[0]["updatedAt"], "2026-11-12T08:31:00.120Z");
    for older in ["harbour", "forest"] {
        assert!(stage.search(older).await.is_empty(), "{older}");
    }
}

#[tokio::test]
async fn a_change_brings_no_deleted_post_back() {
    let stage = Stage::new().await;
    let gone = post("the harbour");
    stage.publish(deleted(&gone)).await;
    stage.settled(1).await;
    stage.publish(updated(&gone, 9, "the harbour")).await;
    stage.settled(2).await;

    assert!(stage.search("harbour").await.is_empty());
}

#[tokio::test]
async fn what_an_author_wrote_goes_with_the_account() {
    let stage = Stage::new().await;
    let (gone, stays) = (post("her harbour"), post("his harbour"));
    stage.publish(gone.clone()).await;
    stage.publish(stays).await;
    stage.found("harbour", 2).await;
    let user_id = gone.user_id.clone();
    stage.publish(UserDeleted { user_id }).await;
    stage.found("harbour", 1).await;

    // What was under way when the account went comes too late.
    let mut late = post("her other harbour");
    late.user_id.clone_from(&gone.user_id);
    stage.publish(late.clone()).await;
    stage.publish(updated(&late, 2, "her last harbour")).await;
    stage.publish(gone).await;
    stage.settled(6).await;
    assert_eq!(stage.texts("harbour").await, ["his harbour"]);
}

#[tokio::test]
async fn who_is_not_the_author_changes_and_deletes_nothing() {
    let stage = Stage::new().await;
    let first = post("the harbour");
    stage.publish(first.clone()).await;
    stage.found("harbour", 1).await;

    let mut stolen = updated(&first, 2, "the harbour is mine");
    stolen.user_id = object_id();
    stage.publish(stolen).await;
    let mut stolen = deleted(&first);
    stolen.user_id = object_id();
    stage.publish(stolen).await;
    stage.put_aside(2).await;
    // Nor is anybody who is gone.
    let gone = object_id();
    let user_id = gone.clone();
    stage.publish(UserDeleted { user_id }).await;
    stage.settled(2).await;
    let mut stolen = updated(&first, 2, "the harbour is gone");
    stolen.user_id = gone;
    stage.publish(stolen).await;
    stage.put_aside(3).await;

    assert_eq!(stage.texts("harbour").await, ["the harbour"]);
}

#[tokio::test]
async fn what_was_not_announced_again_is_forgotten_on_request() {
    let config = config(&database_url(), &rabbitmq_url());
    let stage = Stage::start(config.clone()).await;
    let (kept, changed) = (post("the harbour one"), post("the harbour two"));
    for post in [&kept, &changed, &post("the harbour three")] {
        stage.publish((*post).clone()).await;
    }
    stage.found("harbour", 3).await;
    // Times are stored in milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let before = jiff::Timestamp::now();
    stage.publish(kept).await;
    stage.publish(updated(&changed, 2, "the harbour too")).await;
    stage.settled(5).await;

    let mut asked = config;
    asked.command = Some(Command::DropUnseen { before });
    asked.task().expect("a task").await.expect("done");
    let mut left = stage.texts("harbour").await;
    left.sort();
    assert_eq!(left, ["the harbour one", "the harbour too"]);
}
