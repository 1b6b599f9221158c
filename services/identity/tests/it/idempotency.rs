//! A registration that is sent more than once.

use futures::future::join_all;
use mongodb::bson::doc;
use reqwest::Response;
use serde_json::json;
use test_kit::assert_problem;

use crate::me::until_removed;
use crate::stage::{PASSWORD, Stage, refreshed, signed_in};

async fn register(stage: &Stage, key: &str, name: &str, password: &str) -> Response {
    let request = stage
        .service
        .client
        .post(stage.service.at("/v1/auth/register"));
    let request = request.header("idempotency-key", key);
    let account = json!({ "userName": name, "email": "ada@example.org", "password": password });

    request.json(&account).send().await.expect("an answer")
}

#[tokio::test]
async fn a_registration_under_a_key_takes_place_once() {
    let stage = Stage::new().await;
    let first = signed_in(register(&stage, "k", "ada", PASSWORD).await, 201).await;
    let again = signed_in(register(&stage, "k", "ada", PASSWORD).await, 201).await;

    assert_eq!(again.user_id, first.user_id);
    refreshed(stage.refresh(&first.refresh_token).await).await;
    refreshed(stage.refresh(&again.refresh_token).await).await;
    let other = register(&stage, "other", "ada", PASSWORD).await;
    assert_problem(other, 409, "name_taken").await;
}

#[tokio::test]
async fn a_key_opens_nothing_without_the_password() {
    let stage = Stage::new().await;
    signed_in(register(&stage, "k", "ada", PASSWORD).await, 201).await;

    let wrong = register(&stage, "k", "ada", "not the password").await;
    assert_problem(wrong, 422, "idempotency_key_reused").await;
    let name = register(&stage, "k", "eva", PASSWORD).await;
    assert_problem(name, 422, "idempotency_key_reused").await;
    let bad = register(&stage, "a b", "ada", PASSWORD).await;
    assert_problem(bad, 422, "invalid_idempotency_key").await;
}

#[tokio::test]
async fn a_key_does_not_bring_an_account_back_that_has_gone() {
    let stage = Stage::new().await;
    let ada = signed_in(register(&stage, "k", "ada", PASSWORD).await, 201).await;
    let gone = stage.delete_account(&ada.access_token, PASSWORD).await;
    assert_eq!(gone.status(), 200);
    until_removed(&stage).await;

    let late = register(&stage, "k", "ada", PASSWORD).await;
    assert_problem(late, 422, "idempotency_key_reused").await;
    let anew = signed_in(register(&stage, "other", "ada", PASSWORD).await, 201).await;
    assert_ne!(anew.user_id, ada.user_id);
}

#[tokio::test]
async fn of_many_at_once_under_one_key_one_takes_place() {
    let stage = Stage::new().await;
    let answers = (0..8).map(|_| register(&stage, "k", "ada", PASSWORD));
    for answer in join_all(answers).await {
        match answer.status().as_u16() {
            201 => drop(signed_in(answer, 201).await),
            _ => drop(assert_problem(answer, 409, "idempotency_in_progress").await),
        }
    }

    signed_in(register(&stage, "k", "ada", PASSWORD).await, 201).await;
    let count = stage.users().count_documents(doc! {}).await;
    assert_eq!(count.expect("the database answers"), 1);
}

#[tokio::test]
async fn a_refused_registration_may_be_sent_again_under_its_key() {
    let stage = Stage::new().await;
    signed_in(stage.register("ada", "other@example.org").await, 201).await;
    let taken = register(&stage, "k", "ada", PASSWORD).await;
    assert_problem(taken, 409, "name_taken").await;
    let removed = stage.users().delete_many(doc! {}).await;
    removed.expect("the database answers");

    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    loop {
        let answer = register(&stage, "k", "ada", PASSWORD).await;
        if answer.status() == 201 {
            return;
        }
        assert_problem(answer, 409, "idempotency_in_progress").await;
        assert!(tokio::time::Instant::now() < deadline, "the key stays held");
    }
}
