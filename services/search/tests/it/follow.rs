//! The copy follows events, in any order and however often they come.

use test_kit::{database_url, rabbitmq_url};

use crate::stage::{Stage, config, deleted, post, updated};

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
async fn a_changed_post_is_found_by_its_newest_words_alone() {
    let stage = Stage::new().await;
    let first = post("the harbour");
    // The older events come last, and the first one twice.
    for (version, content) in [(3, "the mountain"), (2, "the forest"), (3, "the mountain")] {
        stage.publish(updated(&first, version, content)).await;
        stage.found("mountain", 1).await;
    }
    stage.publish(first).await;
    settled(&stage, 4).await;

    assert_eq!(stage.texts("mountain").await, ["the mountain"]);
    for older in ["harbour", "forest"] {
        assert!(stage.search(older).await.is_empty(), "{older}");
    }
}

#[tokio::test]
async fn a_change_brings_no_deleted_post_back() {
    let stage = Stage::new().await;
    let gone = post("the harbour");
    stage.publish(deleted(&gone)).await;
    settled(&stage, 1).await;
    stage
        .publish(updated(&gone, 2, "the harbour at night"))
        .await;
    settled(&stage, 2).await;

    assert!(stage.search("harbour").await.is_empty());
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
    settled(&stage, 4).await;
    assert!(stage.search("harbour").await.is_empty());
}

#[tokio::test]
async fn an_event_that_comes_twice_changes_nothing() {
    let stage = Stage::new().await;
    let first = post("the harbour");
    stage.publish(first.clone()).await;
    stage.found("harbour", 1).await;
    let mut again = first;
    again.content = "the harbour, and more".to_owned();
    stage.publish(again).await;

    settled(&stage, 2).await;
    assert_eq!(stage.texts("harbour").await, ["the harbour"]);
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
    settled(&again, 1).await;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while again.texts("harbour").await != ["the harbour too"] {
        assert!(tokio::time::Instant::now() < deadline, "not found in time");
    }
}

/// Waits until so many events were handled, as the metrics say.
async fn settled(stage: &Stage, events: u64) {
    let url = format!("{}/metrics", stage.service.admin_url);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let response = stage.service.client.get(&url).send().await;
        let text = response.expect("an answer").text().await.expect("text");
        let handled: u64 = text
            .lines()
            .filter(|line| line.starts_with("events_handled_total") && line.contains("\"ok\""))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum();
        if handled >= events {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{handled} handled");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
