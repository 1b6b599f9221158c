//! What is published arrives.

use std::sync::Arc;

use events::PostDeleted;
use tokio::sync::Semaphore;

use crate::stage::{Stage, envelope, next, publisher, wait_until};

#[tokio::test]
async fn a_published_event_arrives_whole() {
    let stage = Stage::new().await;
    let (_following, mut received) = stage.record();
    let sent = envelope();
    publisher(&stage.broker)
        .await
        .publish(&sent)
        .await
        .expect("confirmed");

    let message = next(&mut received).await;
    assert_eq!(message.parse::<PostDeleted>().expect("parsed"), sent);
}

#[tokio::test]
async fn a_handled_event_is_gone_from_the_queue() {
    let stage = Stage::new().await;
    let (following, mut received) = stage.record();
    let publisher = publisher(&stage.broker).await;
    publisher.publish(&envelope()).await.expect("confirmed");
    next(&mut received).await;
    following.stop().await;

    assert_eq!(stage.waiting().await, 0);
    let (_again, mut received) = stage.record();
    let second = envelope();
    publisher.publish(&second).await.expect("confirmed");
    assert_eq!(next(&mut received).await.id(), second.id);
}

#[tokio::test]
async fn events_wait_for_a_consumer_that_never_was_there() {
    let stage = Stage::new().await;
    let publisher = publisher(&stage.broker).await;
    let sent = envelope();
    publisher.publish(&sent).await.expect("confirmed");

    let (_following, mut received) = stage.record();
    assert_eq!(next(&mut received).await.id(), sent.id);
}

#[tokio::test]
async fn many_events_are_published_at_once() {
    let stage = Stage::new().await;
    let publisher = publisher(&stage.broker).await;
    let (_following, mut received) = stage.record();
    let sent: Vec<_> = (0..500).map(|_| envelope()).collect();
    let publishing = futures::future::join_all(sent.iter().map(|event| publisher.publish(event)));
    for result in publishing.await {
        result.expect("confirmed");
    }

    let mut arrived = Vec::new();
    for _ in &sent {
        arrived.push(next(&mut received).await.id());
    }
    arrived.sort();
    let mut expected: Vec<_> = sent.iter().map(|event| event.id).collect();
    expected.sort();
    assert_eq!(arrived, expected);
}

#[tokio::test]
async fn a_stopping_consumer_finishes_what_runs_and_hands_the_rest_back() {
    // As many as the broker gives to one consumer of this queue.
    const AT_ONCE: u32 = 256;
    const EVENTS: u32 = 300;
    let stage = Stage::new().await;
    let publisher = publisher(&stage.broker).await;
    for _ in 0..EVENTS {
        publisher.publish(&envelope()).await.expect("confirmed");
    }
    let started = Arc::new(Semaphore::new(0));
    let may_end = Arc::new(Semaphore::new(0));
    let (starting, ending) = (started.clone(), may_end.clone());
    let following = stage.follow(move |_| {
        let (started, may_end) = (starting.clone(), ending.clone());
        async move {
            started.add_permits(1);
            may_end.acquire().await?.forget();
            Ok(())
        }
    });
    let running = started.acquire_many(AT_ONCE).await.expect("open");
    running.forget();

    following.ask_to_stop();
    may_end.add_permits(usize::try_from(EVENTS).expect("small"));
    following.stop().await;
    assert_eq!(started.available_permits(), 0, "nothing more was started");
    let mut waiting = 0;
    // The broker takes the rest back a moment after the connection has ended.
    for _ in 0..100 {
        waiting = stage.waiting().await;
        if waiting == EVENTS - AT_ONCE {
            break;
        }
    }
    assert_eq!(waiting, EVENTS - AT_ONCE);
}

#[tokio::test]
async fn an_idle_consumer_stops_at_once() {
    let stage = Stage::new().await;
    let (following, _received) = stage.record();
    following.ready().await;

    let started = std::time::Instant::now();
    following.stop().await;
    assert!(
        started.elapsed().as_millis() < 1000,
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_removed_queue_is_declared_again() {
    let stage = Stage::new().await;
    let publisher = publisher(&stage.broker).await;
    for queue in [stage.queue(), stage.queue().replace("search", "media")] {
        stage
            .channel
            .queue_delete(queue.into(), Default::default())
            .await
            .expect("deleted");
    }

    let sent = envelope();
    publisher
        .publish(&sent)
        .await
        .expect_err("no queue takes it");
    wait_until("the publisher has a new connection", || {
        publisher.connected().get() == 1
    })
    .await;
    crate::stage::publish_until_ok(&publisher, &sent).await;
    let (_following, mut received) = stage.record();
    assert_eq!(next(&mut received).await.id(), sent.id);
}
