//! Stores that are away.

use std::time::{Duration, Instant};

use test_kit::{Running, Token, assert_problem, object_id};

use crate::stage::{Stores, form, png, wait_until};

/// Nothing listens there.
const NOWHERE: &str = "127.0.0.1:1";
const PATIENCE: Duration = Duration::from_secs(5);

async fn unready(service: &Running) -> String {
    let readyz = format!("{}/readyz", service.admin_url);
    let response = service.client.get(readyz).send().await.expect("an answer");
    assert_eq!(response.status(), 503);

    response.text().await.expect("text")
}

#[tokio::test]
async fn without_mongodb_requests_are_told_to_come_again_soon() {
    let service = Stores {
        mongodb: format!("mongodb://{NOWHERE}/media"),
        ..Stores::real()
    }
    .start()
    .await;
    assert!(unready(&service).await.contains("mongodb"));

    let started = Instant::now();
    let path = format!("/v1/media/{}", object_id());
    let fetched = service.client.get(service.at(&path)).send().await;
    assert_problem(fetched.expect("an answer"), 503, "unavailable").await;
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());

    for length in [1000, 600_000] {
        let started = Instant::now();
        let uploaded = service
            .client
            .post(service.at("/v1/media"))
            .bearer_auth(Token::Valid.of(&object_id()))
            .multipart(form(&png(length)))
            .send()
            .await
            .expect("an answer");
        assert!(uploaded.headers().contains_key("retry-after"));
        assert_problem(uploaded, 503, "unavailable").await;
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn without_rabbitmq_files_are_taken_all_the_same() {
    let service = Stores {
        rabbitmq: format!("amqp://{NOWHERE}/%2f"),
        ..Stores::real()
    }
    .start()
    .await;
    wait_until("only the broker is missing", async || {
        let reasons = unready(&service).await;
        reasons.contains("\"mongodb\",\"ready\":true")
            && reasons.contains("\"rabbitmq\",\"ready\":false")
    })
    .await;

    let uploaded = service
        .client
        .post(service.at("/v1/media"))
        .bearer_auth(Token::Valid.of(&object_id()))
        .multipart(form(&png(1000)))
        .send()
        .await
        .expect("an answer");
    assert_eq!(uploaded.status(), 201);
}
