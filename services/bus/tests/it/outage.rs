//! The broker goes away and comes back.

use std::time::{Duration, Instant};

use bus::{PublishError, Publisher};
use test_kit::{Proxy, rabbitmq_url};
use tokio::net::TcpListener;

use crate::stage::{Stage, envelope, next, publish_until_ok, publisher, wait_until};

#[tokio::test]
async fn a_cut_connection_is_made_again_on_both_sides() {
    let proxy = Proxy::open(&rabbitmq_url()).await;
    let stage = Stage::at(&proxy.url).await;
    let publisher = publisher(&stage.broker).await;
    let (following, mut received) = stage.record();
    publisher.publish(&envelope()).await.expect("confirmed");
    next(&mut received).await;

    proxy.cut();
    wait_until("both ends have noticed", || {
        publisher.connected().get() == 0 && following.consumer.connected().get() == 0
    })
    .await;
    assert_eq!(publisher.ready(), Ok(()), "a later loss is no reason");
    assert_eq!(following.consumer.ready(), Ok(()));

    proxy.reopen();
    let sent = envelope();
    publish_until_ok(&publisher, &sent).await;
    // The first may come again: its acknowledgement may have been cut off.
    while next(&mut received).await.id() != sent.id {}
}

#[tokio::test]
async fn nothing_is_lost_while_the_connection_is_cut_again_and_again() {
    const EVENTS: usize = 60;
    let proxy = Proxy::open(&rabbitmq_url()).await;
    let stage = Stage::at(&proxy.url).await;
    let publisher = publisher(&stage.broker).await;
    let (_following, mut received) = stage.record();

    let mut missing = std::collections::HashSet::new();
    for number in 0..EVENTS {
        if number % 20 == 10 {
            proxy.cut();
            proxy.reopen();
        }
        let sent = envelope();
        publish_until_ok(&publisher, &sent).await;
        missing.insert(sent.id);
    }
    while !missing.is_empty() {
        missing.remove(&next(&mut received).await.id());
    }
}

#[tokio::test]
async fn a_broker_that_is_away_at_start_is_waited_for() {
    let proxy = Proxy::closed(&rabbitmq_url()).await;
    let stage = Stage::at(&proxy.url).await;
    let publisher = Publisher::start(&stage.broker);
    let (following, mut received) = stage.record();

    let started = Instant::now();
    let sent = envelope();
    let refused = publisher.publish(&sent).await.expect_err("away");
    assert!(matches!(refused, PublishError::NotSent), "{refused}");
    assert!(started.elapsed() < Duration::from_secs(3), "in time");
    assert!(publisher.ready().is_err() && following.consumer.ready().is_err());

    proxy.reopen();
    publish_until_ok(&publisher, &sent).await;
    assert_eq!(next(&mut received).await.id(), sent.id);
}

#[tokio::test]
async fn a_broker_that_says_nothing_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = silent.local_addr().expect("bound");
    let stage = Stage::at(&format!("amqp://guest:guest@{address}/%2f")).await;
    let publisher = Publisher::start(&stage.broker);

    let (_connection, _) = silent.accept().await.expect("a first try");
    wait_until("the silence is noticed", || {
        publisher
            .ready()
            .is_err_and(|reason| reason.contains("did not answer"))
    })
    .await;
    silent.accept().await.expect("a second try");
}

#[tokio::test]
async fn a_wrong_password_is_said() {
    let url = rabbitmq_url().replace(":guest@", ":wrong@");
    let stage = Stage::at(&url).await;
    let publisher = Publisher::start(&stage.broker);

    wait_until("the refusal is known", || {
        publisher
            .ready()
            .is_err_and(|reason| reason.contains("refused"))
    })
    .await;
    let reason = publisher.ready().expect_err("refused");
    assert!(!reason.contains("wrong"), "{reason}");
}
