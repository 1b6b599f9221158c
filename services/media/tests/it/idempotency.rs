//! Uploads that are sent twice.

use mongodb::bson::doc;
use reqwest::Response;
use serde_json::Value;
use test_kit::{Token, assert_problem};

use crate::stage::{Stage, count, form, png};

async fn send(stage: &Stage, key: &str, length: usize) -> Response {
    stage
        .service
        .client
        .post(stage.service.at("/v1/media"))
        .bearer_auth(Token::Valid.of(&stage.user))
        .header("idempotency-key", key)
        .multipart(form(&png(length)))
        .send()
        .await
        .expect("an answer")
}

#[tokio::test]
async fn the_same_upload_under_the_same_key_takes_place_once() {
    let stage = Stage::new().await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let response = send(&stage, "a-key", 1000).await;
        assert_eq!(response.status(), 201);
        assert!(response.headers().contains_key("location"));
        answers.push(response.json::<Value>().await.expect("JSON"));
    }

    assert_eq!(answers[0], answers[1]);
    assert_eq!(count(&stage.media(), doc! {}).await, 1);
}

#[tokio::test]
async fn another_upload_under_the_key_is_refused() {
    let stage = Stage::new().await;
    assert_eq!(send(&stage, "a-key", 1000).await.status(), 201);

    let other = send(&stage, "a-key", 1001).await;
    assert_problem(other, 422, "idempotency_key_reused").await;
}

#[tokio::test]
async fn a_refused_upload_leaves_the_key_free() {
    let stage = Stage::with(&["--allowed-media-types", "image/gif"]).await;
    for _ in 0..2 {
        let refused = send(&stage, "a-key", 1000).await;
        assert_problem(refused, 415, "media_type_not_allowed").await;
    }
}
