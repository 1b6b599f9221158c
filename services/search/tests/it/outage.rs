//! The stores go away and come back.

use std::time::{Duration, Instant};

use test_kit::{Proxy, assert_problem, database_url, rabbitmq_url};

use crate::stage::{Stage, post, send};

#[tokio::test]
async fn what_is_known_is_found_without_a_broker() {
    let broker = Proxy::open(&rabbitmq_url()).await;
    let stage = Stage::with(&database_url(), &broker.url).await;
    stage.publish_all("harbour", &["the harbour"]).await;
    broker.cut();

    assert_eq!(stage.texts("harbour").await, ["the harbour"]);
    stage.publish(post("another harbour")).await;
    broker.reopen();
    stage.found("harbour", 2).await;
}

#[tokio::test]
async fn a_database_that_is_away_loses_no_event() {
    let database = Proxy::open(&database_url()).await;
    let stage = Stage::with(&database.url, &rabbitmq_url()).await;
    stage.publish_all("harbour", &["the harbour"]).await;
    database.cut();
    stage.publish(post("another harbour")).await;

    let started = Instant::now();
    let response = stage.get("/v1/search/posts", &[("query", "harbour")]).await;
    assert!(started.elapsed() < Duration::from_secs(5), "in time");
    assert_problem(response, 503, "unavailable").await;

    database.reopen();
    let ready = stage
        .service
        .client
        .get(format!("{}/readyz", stage.service.admin_url));
    while send(ready.try_clone().expect("no body")).await.status() != 200 {}
    stage.found("harbour", 2).await;
}

#[tokio::test]
async fn an_idle_service_stops_at_once() {
    let stage = Stage::new().await;
    let started = Instant::now();
    stage.service.stop().await;

    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}
