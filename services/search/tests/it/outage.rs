//! The stores go away and come back.

use std::time::{Duration, Instant};

use reqwest::Method;
use test_kit::{
    Proxy, Running, assert_ended_sessions_are_refused, assert_problem, database_url, rabbitmq_url,
    redis_url,
};

use crate::stage::{Stage, config, post, send, until};

/// What a slow store takes for each answer.
const SLOW: Duration = Duration::from_secs(2);

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
async fn a_broker_that_is_slow_delays_what_is_new_and_nothing_else() {
    let broker = Proxy::open(&rabbitmq_url()).await;
    let stage = Stage::with(&database_url(), &broker.url).await;
    stage.publish_all("harbour", &["the harbour"]).await;
    broker.delay(SLOW);
    stage.publish(post("another harbour")).await;

    let started = Instant::now();
    stage.search("harbour").await;
    assert!(started.elapsed() < SLOW, "{:?}", started.elapsed());
    stage.found("harbour", 2).await;
}

#[tokio::test]
async fn a_redis_that_is_away_slow_or_lost_takes_nothing_with_it() {
    let redis = Proxy::closed(&redis_url()).await;
    let mut config = config(&database_url(), &rabbitmq_url());
    config.redis.redis_url = redis.url.clone().into();
    let stage = Stage::start(config).await;
    stage.publish_all("harbour", &["the harbour"]).await;
    let away_from_the_start: fn(&Proxy) = |_| {};
    let slow: fn(&Proxy) = |redis| redis.delay(SLOW);
    for trouble in [away_from_the_start, slow, Proxy::cut] {
        trouble(&redis);
        let started = Instant::now();
        assert_eq!(stage.texts("harbour").await, ["the harbour"]);
        assert!(started.elapsed() < SLOW, "{:?}", started.elapsed());

        redis.delay(Duration::ZERO);
        redis.reopen();
        let path = "/v1/search/posts?query=harbour";
        assert_ended_sessions_are_refused(&stage.service, Method::GET, path).await;
    }
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
    until("the service is ready again", async || {
        send(ready.try_clone().expect("no body")).await.status() == 200
    })
    .await;
    stage.found("harbour", 2).await;
}

#[tokio::test]
async fn a_database_that_goes_again_and_again_is_found_again() {
    let database = Proxy::open(&database_url()).await;
    let stage = Stage::with(&database.url, &rabbitmq_url()).await;
    stage.publish_all("harbour", &["the harbour"]).await;
    for _ in 0..3 {
        database.cut();
        let started = Instant::now();
        let asked = (0..20).map(|_| stage.get("/v1/search/posts", &[("query", "harbour")]));
        for response in futures::future::join_all(asked).await {
            assert_problem(response, 503, "unavailable").await;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "in time");

        database.reopen();
        until("it is found again", async || {
            let response = stage.get("/v1/search/posts", &[("query", "harbour")]).await;
            response.status() == 200
        })
        .await;
    }
}

#[tokio::test]
async fn a_database_that_is_slow_is_given_up_in_time() {
    let database = Proxy::open(&database_url()).await;
    let stage = Stage::with(&database.url, &rabbitmq_url()).await;
    stage.publish_all("harbour", &["the harbour"]).await;
    database.delay(Duration::from_secs(30));

    let started = Instant::now();
    let response = stage
        .get("/v1/search/posts", &[("query", "harbour ")])
        .await;
    assert!(started.elapsed() < Duration::from_secs(5), "in time");
    assert_problem(response, 503, "unavailable").await;
}

#[tokio::test]
async fn stores_that_are_away_at_the_start_are_waited_for() {
    let database = Proxy::closed(&database_url()).await;
    let broker = Proxy::closed(&rabbitmq_url()).await;
    let config = config(&database.url, &broker.url);
    let service =
        Running::start(|listeners, shutdown| search::run(config, listeners, shutdown)).await;
    let ready = async || {
        let ready = service.client.get(format!("{}/readyz", service.admin_url));
        send(ready).await.status().as_u16()
    };
    assert_eq!(ready().await, 503);

    database.reopen();
    broker.reopen();
    until("the service is ready", async || ready().await == 200).await;
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
