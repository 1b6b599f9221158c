//! The stores go away and come back.

use std::time::{Duration, Instant};

use events::PostCreated;
use reqwest::Method;
use serde_json::json;
use test_kit::{Proxy, assert_problem, database_url, rabbitmq_url, redis_url};

use crate::stage::{Stage, Stores, config, path, send};

/// A service that reaches the store `address` points at through a proxy.
async fn with_proxy(address: fn(&mut Stores) -> &mut String) -> (Proxy, Stage) {
    let mut stores = Stores::new();
    let address = address(&mut stores);
    let proxy = Proxy::open(address).await;
    address.clone_from(&proxy.url);

    (proxy, Stage::with(stores).await)
}

#[tokio::test]
async fn posts_are_taken_without_a_broker_and_announced_when_it_is_back() {
    let (broker, stage) = with_proxy(|stores| &mut stores.rabbitmq).await;
    let author = stage.person();
    broker.cut();

    let started = Instant::now();
    let post = author.write("written in the dark").await;
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "nothing is waited for"
    );
    let ready = stage
        .service
        .client
        .get(format!("{}/readyz", stage.service.admin_url));
    assert_eq!(send(ready).await.status(), 200, "posts go on being taken");

    broker.reopen();
    let message = stage.listen().next().await;
    let event = message.parse::<PostCreated>().expect("the event").data;
    assert_eq!(event.post_id, post["_id"]);
}

#[tokio::test]
async fn a_database_that_is_away_is_a_503_in_time_and_then_forgotten() {
    let database = Proxy::open(&database_url()).await;
    let stage = Stage::with(Stores {
        mongodb: database.url.clone(),
        ..Stores::new()
    })
    .await;
    let author = stage.person();
    let post = author.write("before").await;
    let path = format!("/v1/posts/{}", post["_id"].as_str().expect("an id"));
    database.cut();

    let requests = [
        author.request(Method::GET, "/v1/posts"),
        author.request(Method::GET, &path),
        author.request(Method::DELETE, &path),
        author
            .request(Method::PATCH, &path)
            .json(&json!({"content": "changed"})),
        author
            .request(Method::POST, "/v1/posts")
            .header("idempotency-key", "once")
            .json(&json!({"content": "once"})),
        author
            .request(Method::POST, "/v1/posts")
            .json(&json!({"content": "meanwhile"})),
    ];
    let started = Instant::now();
    for response in futures::future::join_all(requests.map(send)).await {
        assert!(response.headers().contains_key("retry-after"));
        assert_problem(response, 503, "unavailable").await;
    }
    assert!(started.elapsed() < Duration::from_secs(5), "in time");

    database.reopen();
    assert_eq!(author.get_json(&path).await, post);
}

#[tokio::test]
async fn a_database_that_is_silent_is_a_503_in_time_and_then_forgotten() {
    let database = Proxy::open(&database_url()).await;
    let stage = Stage::with(Stores {
        mongodb: database.url.clone(),
        ..Stores::new()
    })
    .await;
    let author = stage.person();
    let post = author.write("before").await;
    database.delay(Duration::from_secs(3600));

    let path = path(&post);
    let requests = [
        author.request(Method::GET, "/v1/posts"),
        author.request(Method::GET, &path),
        author.request(Method::DELETE, &path),
    ];
    let started = Instant::now();
    for response in futures::future::join_all(requests.map(send)).await {
        assert_problem(response, 503, "unavailable").await;
    }
    assert!(started.elapsed() < Duration::from_secs(5), "in time");

    // What was never answered is still on its way over the connections of then.
    database.delay(Duration::ZERO);
    database.cut();
    database.reopen();
    let deadline = Instant::now() + Duration::from_secs(10);
    while author.get("/v1/posts").await.status() != 200 {
        assert!(Instant::now() < deadline, "not back");
    }
}

#[tokio::test]
async fn nobody_waits_for_those_who_hung_up() {
    let (database, stage) = with_proxy(|stores| &mut stores.mongodb).await;
    let author = stage.person();
    let post = author.write("before").await;
    database.delay(Duration::from_millis(300));

    // More than there are connections, and all of them give up.
    let path = path(&post);
    let impatient = (0..300).map(|_| author.get(&path));
    let impatient = futures::future::join_all(impatient);
    let gave_up = tokio::time::timeout(Duration::from_millis(600), impatient).await;
    assert!(gave_up.is_err(), "they were answered");
    database.delay(Duration::ZERO);

    for _ in 0..30 {
        let started = Instant::now();
        assert_eq!(author.get_json(&path).await, post);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

#[tokio::test]
async fn nobody_waits_for_two_failures_of_the_database() {
    let database = Proxy::open(&database_url()).await;
    let redis = Proxy::open(&redis_url()).await;
    let stage = Stage::with(Stores {
        mongodb: database.url.clone(),
        redis: redis.url.clone(),
        ..Stores::new()
    })
    .await;
    let author = stage.person();
    author.write("before").await;
    redis.cut();
    database.delay(Duration::from_secs(3600));

    // Without Redis the same read serves all, and these ask while it is waited for.
    let later = (0..4).map(async |seconds| {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let started = Instant::now();
        assert_problem(author.get("/v1/posts").await, 503, "unavailable").await;
        started.elapsed()
    });
    for took in futures::future::join_all(later).await {
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[tokio::test]
async fn a_broker_that_is_slow_is_not_waited_for() {
    let (broker, stage) = with_proxy(|stores| &mut stores.rabbitmq).await;
    let author = stage.person();
    broker.delay(Duration::from_secs(2));

    let started = Instant::now();
    let post = author.write("written meanwhile").await;
    assert!(started.elapsed() < Duration::from_secs(1), "in time");
    let message = stage.listen().next().await;
    let event = message.parse::<PostCreated>().expect("the event").data;
    assert_eq!(event.post_id, post["_id"]);
}

#[tokio::test]
async fn a_redis_that_is_slow_is_not_waited_for() {
    let (redis, stage) = with_proxy(|stores| &mut stores.redis).await;
    let author = stage.person();
    author.write("before").await;
    redis.delay(Duration::from_secs(2));

    let started = Instant::now();
    for number in 0..10 {
        let post = author.write(&format!("post {number}")).await;
        let list = author.get_json("/v1/posts").await;
        assert_eq!(list["posts"][0], post);
    }
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_service_is_ready_soon_after_its_stores_answer() {
    // The first one makes the indexes and queues.
    let stage = Stage::new().await;
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        let replica = stage.replica().await;
        fastest = fastest.min(started.elapsed());
        replica.service.stop().await;
    }

    // Of a release build with processors of its own 50 ms are expected.
    assert!(fastest < Duration::from_millis(250), "{fastest:?}");
}

#[tokio::test]
async fn stores_that_are_away_at_start_are_waited_for() {
    let database = Proxy::closed(&database_url()).await;
    let broker = Proxy::closed(&rabbitmq_url()).await;
    let redis = Proxy::closed(&redis_url()).await;
    let stores = Stores {
        mongodb: database.url.clone(),
        redis: redis.url.clone(),
        rabbitmq: broker.url.clone(),
    };
    let stage = Stage::starting(config(&stores)).await;
    let ready = stage
        .service
        .client
        .get(format!("{}/readyz", stage.service.admin_url));
    let response = send(ready).await;
    assert_eq!(response.status(), 503);
    let body = response.text().await.expect("text");
    for name in ["mongodb", "indexes", "rabbitmq", "redis"] {
        assert!(body.contains(name), "{body}");
    }

    database.reopen();
    broker.reopen();
    let stage = stage.ready().await;
    assert_eq!(
        stage.person().write("without Redis").await["content"],
        "without Redis"
    );
    redis.reopen();
    stage.service.stop().await;
}

#[tokio::test]
async fn what_was_answered_is_announced_before_the_end() {
    let stage = Stage::new().await;
    let author = stage.person();
    let mut written = Vec::new();
    for number in 0..20 {
        let post = author.write(&format!("post {number}")).await;
        written.push(post["_id"].as_str().expect("an id").to_owned());
    }
    let mut ear = stage.listen();
    stage.service.stop().await;

    let mut heard = Vec::new();
    for _ in &written {
        let message = ear.next().await;
        heard.push(
            message
                .parse::<PostCreated>()
                .expect("the event")
                .data
                .post_id,
        );
    }
    heard.sort();
    written.sort();
    assert_eq!(heard, written);
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
