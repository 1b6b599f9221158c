//! Posts that are sent more than once and written once.

use futures::future::join_all;
use mongodb::bson::{DateTime, Document, doc};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use test_kit::assert_problem;

use crate::stage::{Person, Stage, send};

const KEY: &str = "8e03978e-40d5-43e8-bc93-6894a57f9324";

async fn post(person: &Person, path: &str, key: &str, body: &Value) -> Response {
    let request = person.request(Method::POST, path);
    send(request.header("idempotency-key", key).json(body)).await
}

async fn written(person: &Person) -> u64 {
    let list = person
        .get_json(&format!("/v1/posts?user={}", person.id))
        .await;
    list["totalPosts"].as_u64().expect("a number")
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_writes_one_post() {
    let stage = Stage::new().await;
    let person = stage.person();
    let body = json!({"content": "hello"});
    let first = post(&person, "/v1/posts", KEY, &body).await;
    let location = first.headers()["location"].clone();
    assert_eq!(first.status(), 201);
    let first: Value = first.json().await.expect("JSON");

    // However it is spelled, and at whichever path and replica.
    let replica = stage.replica().await;
    let other = person.at(&replica);
    let spelled = json!({"mediaIds": [], "content": " hello "});
    let again = [
        post(&person, "/v1/posts", KEY, &body).await,
        post(&person, "/v1/posts/create-post", KEY, &spelled).await,
        post(&other, "/v1/posts", KEY, &body).await,
    ];
    for response in again {
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["location"], location);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.json::<Value>().await.expect("JSON"), first);
    }
    assert_eq!(written(&person).await, 1);
}

#[tokio::test]
async fn another_request_under_the_key_is_refused() {
    let stage = Stage::new().await;
    let person = stage.person();
    post(&person, "/v1/posts", KEY, &json!({"content": "hello"})).await;
    let other = json!({"content": "bye"});
    let response = post(&person, "/v1/posts", KEY, &other).await;
    let problem = assert_problem(response, 422, "idempotency_key_reused").await;
    assert_eq!(problem["field"], "Idempotency-Key");

    // The key is each person's own.
    assert_eq!(
        post(&stage.person(), "/v1/posts", KEY, &other)
            .await
            .status(),
        201
    );
    for bad in ["", "a b", &"k".repeat(256)] {
        let response = post(&person, "/v1/posts", bad, &other).await;
        assert_problem(response, 422, "invalid_idempotency_key").await;
    }
    assert_eq!(written(&person).await, 1);
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let stage = Stage::new().await;
    let person = stage.person();
    let blank = post(&person, "/v1/posts", KEY, &json!({"content": ""})).await;
    assert_problem(blank, 422, "invalid_content").await;

    let response = post(&person, "/v1/posts", KEY, &json!({"content": "a"})).await;
    assert_eq!(response.status(), 201);
}

#[tokio::test]
async fn of_many_at_once_over_two_replicas_one_is_written() {
    let stage = Stage::new().await;
    let replica = stage.replica().await;
    let person = stage.person();
    let other = person.at(&replica);
    let body = json!({"content": "hello"});
    for round in 0..10 {
        let key = format!("key-{round}");
        let sent = (0..10).map(|n| {
            let person = if n % 2 == 0 { &person } else { &other };
            post(person, "/v1/posts", &key, &body)
        });
        let mut ids = Vec::new();
        for response in join_all(sent).await {
            match response.status().as_u16() {
                201 => {
                    let created: Value = response.json().await.expect("JSON");
                    ids.push(created["newPost"]["_id"].clone());
                }
                _ => {
                    assert!(response.headers().contains_key("retry-after"));
                    assert_problem(response, 409, "idempotency_in_progress").await;
                }
            }
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "all that were answered name one post");
        assert_eq!(written(&person).await, round + 1);
    }
}

#[tokio::test]
async fn a_try_that_died_after_its_write_is_finished_by_the_next() {
    let stage = Stage::new().await;
    let person = stage.person();
    let body = json!({"content": "hello"});
    let first = post(&person, "/v1/posts", KEY, &body).await;
    let first: Value = first.json().await.expect("JSON");

    // As if the process had ended between the write and the answer.
    let forget = doc! {
        "$unset": { "answer": "" },
        "$set": { "leaseUntil": DateTime::from_millis(0) },
    };
    let claims = stage.database().await.collection::<Document>("idempotency");
    claims.update_one(doc! {}, forget).await.expect("an update");
    let second = post(&person, "/v1/posts", KEY, &body).await;
    assert_eq!(second.status(), 201);
    assert_eq!(second.json::<Value>().await.expect("JSON"), first);
    assert_eq!(written(&person).await, 1);
}
