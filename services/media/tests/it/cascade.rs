//! What happens to files when posts are deleted.

use bus::{Broker, BusConfig, Publisher};
use events::{Envelope, Event, Origin, PostDeleted};
use mongodb::bson::doc;

use crate::stage::{Stage, count, object_id, png, wait_until};

pub fn deleted(user: &str, media: &[&str]) -> Envelope<PostDeleted> {
    let post = PostDeleted {
        post_id: test_kit::object_id(),
        user_id: user.to_owned(),
        media_ids: media.iter().map(ToString::to_string).collect(),
        version: 2,
    };

    Envelope::new(post, jiff::Timestamp::UNIX_EPOCH, Origin::default())
}

pub fn publisher(stage: &Stage) -> Publisher {
    let config = BusConfig {
        rabbitmq_url: test_kit::rabbitmq_url().into(),
        events_namespace: stage.namespace.clone(),
    };

    Publisher::start(&Broker::new(&config, "test").expect("a broker"))
}

pub async fn publish<E: Event>(publisher: &Publisher, event: &Envelope<E>) {
    wait_until("an event is published", async || {
        publisher.publish(event).await.is_ok()
    })
    .await;
}

/// All events sent so far have been handled.
async fn settled(stage: &Stage, events: usize) {
    handled(stage, PostDeleted::TYPE, events).await;
}

/// So many events of type `kind` have been handled.
pub async fn handled(stage: &Stage, kind: &str, events: usize) {
    handled_as(stage, kind, "ok", events).await;
}

/// So many events of type `kind` have been handled with this result.
pub async fn handled_as(stage: &Stage, kind: &str, result: &str, events: usize) {
    let wanted = format!("events_handled_total{{result=\"{result}\",type=\"{kind}\"}} {events}");
    wait_until("the events are handled", async || {
        let metrics = format!("{}/metrics", stage.service.admin_url);
        let metrics = stage.service.client.get(metrics).send().await;
        let metrics = metrics.expect("metrics").text().await.expect("text");
        metrics.lines().any(|line| line == wanted)
    })
    .await;
}

#[tokio::test]
async fn the_files_of_a_deleted_post_are_deleted() {
    let stage = Stage::new().await;
    let (first, second) = (
        stage.upload(&png(600_000)).await,
        stage.upload(&png(50)).await,
    );
    let other = stage.upload(&png(300_000)).await;
    let event = deleted(&stage.user, &[&first, "no id", &second]);
    let publisher = publisher(&stage);
    // Delivery is at least once.
    publish(&publisher, &event).await;
    publish(&publisher, &event).await;
    settled(&stage, 2).await;

    for id in [&first, &second] {
        assert_eq!(stage.fetch(id, &[]).await.status(), 404);
    }
    assert_eq!(stage.fetch(&other, &[]).await.status(), 200);
    assert_eq!(count(&stage.media(), doc! {}).await, 1);
    assert_eq!(count(&stage.chunks(), doc! {}).await, 2);
}

#[tokio::test]
async fn nobodys_event_deletes_anothers_files() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(1000)).await;
    let stranger = test_kit::object_id();
    publish(&publisher(&stage), &deleted(&stranger, &[&id])).await;
    settled(&stage, 1).await;

    assert_eq!(stage.fetch(&id, &[]).await.status(), 200);
}

#[tokio::test]
async fn a_removal_that_was_cut_short_is_finished_by_the_next_delivery() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(600_000)).await;
    // As a crash in the middle leaves it: some of the bytes are gone, the document is not.
    stage
        .chunks()
        .delete_one(doc! { "n": 0 })
        .await
        .expect("deleted");
    assert_eq!(
        count(&stage.media(), doc! { "_id": object_id(&id) }).await,
        1
    );
    publish(&publisher(&stage), &deleted(&stage.user, &[&id])).await;
    settled(&stage, 1).await;

    stage.assert_nothing_stays().await;
}
