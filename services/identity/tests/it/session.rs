//! Refresh and logout.

use mongodb::bson::{DateTime, doc};
use test_kit::assert_problem;

use crate::stage::{PASSWORD, Stage, Stores, refreshed, signed_in, start};

const REFUSED: &str = "refresh_token_invalid";

#[tokio::test]
async fn a_refresh_token_is_spent_by_its_use() {
    let stage = Stage::new().await;
    let first = stage.ada().await.refresh_token;
    let second = refreshed(stage.refresh(&first).await).await;
    let third = refreshed(stage.refresh(&second).await).await;

    assert_problem(stage.refresh(&first).await, 401, REFUSED).await;
    // Whoever used it again, one of two parties has what it should not: nobody goes on.
    assert_problem(stage.refresh(&third).await, 401, REFUSED).await;
    assert!(stage.session().await.get_datetime("revokedAt").is_ok());
}

#[tokio::test]
async fn one_session_is_one_document() {
    let stage = Stage::new().await;
    let ada = stage.ada().await;
    let mut token = ada.refresh_token;
    for _ in 0..3 {
        token = refreshed(stage.refresh(&token).await).await;
    }

    let count = stage.sessions().count_documents(doc! {}).await;
    assert_eq!(count.expect("the database answers"), 1);
    let session = stage.session().await;
    let fields: Vec<_> = session.keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "_id",
            "userId",
            "passwordVersion",
            "device",
            "createdAt",
            "generation",
            "rotatedAt",
            "absoluteExpiry",
            "nonce",
            "keyId",
        ]
    );
    assert_eq!(session.get_i64("generation").ok(), Some(4));
    let user = session.get_object_id("userId").expect("an id");
    assert_eq!(user.to_hex(), ada.user_id);
}

#[tokio::test]
async fn the_token_just_spent_gets_the_same_next_one() {
    let stage = Stage::new().await;
    let first = stage.ada().await.refresh_token;
    let second = refreshed(stage.refresh(&first).await).await;
    let rotated_at = stage.session().await.get("rotatedAt").cloned();

    moved(&stage, "rotatedAt", -25).await;
    assert_eq!(refreshed(stage.refresh(&first).await).await, second);
    assert_ne!(stage.session().await.get("rotatedAt").cloned(), rotated_at);
    // What was repeated does not begin the time anew.
    moved(&stage, "rotatedAt", -30).await;
    assert_problem(stage.refresh(&first).await, 401, REFUSED).await;
    assert_problem(stage.refresh(&second).await, 401, REFUSED).await;
}

#[tokio::test]
async fn without_a_window_every_second_use_ends_the_session() {
    let stage = Stage::with(&["--refresh-reuse-window-seconds", "0"]).await;
    let first = stage.ada().await.refresh_token;
    let second = refreshed(stage.refresh(&first).await).await;

    assert_problem(stage.refresh(&first).await, 401, REFUSED).await;
    assert_problem(stage.refresh(&second).await, 401, REFUSED).await;
}

#[tokio::test]
async fn garbage_changes_nothing() {
    let stage = Stage::new().await;
    let token = stage.ada().await.refresh_token;
    let before = stage.session().await;
    // Of the family, of the generation, of the proof.
    let changed = |index: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).expect("ASCII")
    };
    for garbage in [
        "",
        "garbage",
        &changed(0),
        &changed(24),
        &changed(40),
        &"x".repeat(60_000),
    ] {
        assert_problem(stage.refresh(garbage).await, 401, REFUSED).await;
        assert_problem(stage.log_out(garbage).await, 401, REFUSED).await;
    }

    assert_eq!(stage.session().await, before);
    refreshed(stage.refresh(&token).await).await;
}

#[tokio::test]
async fn a_session_ends_when_it_was_idle_for_too_long() {
    let stage = Stage::new().await;
    let token = stage.ada().await.refresh_token;
    moved(&stage, "rotatedAt", -7 * 24 * 3600).await;

    assert_problem(stage.refresh(&token).await, 401, REFUSED).await;
}

#[tokio::test]
async fn a_session_ends_at_its_absolute_end() {
    let stage = Stage::new().await;
    let first = stage.ada().await.refresh_token;
    let end = stage.session().await.get("absoluteExpiry").cloned();
    let second = refreshed(stage.refresh(&first).await).await;
    assert_eq!(stage.session().await.get("absoluteExpiry").cloned(), end);
    moved(&stage, "absoluteExpiry", 0).await;

    assert_problem(stage.refresh(&second).await, 401, REFUSED).await;
}

/// Sets a time of the only session to so many seconds from now.
async fn moved(stage: &Stage, field: &str, seconds: i64) {
    let time = DateTime::from_millis(DateTime::now().timestamp_millis() + 1000 * seconds);
    let change = doc! { "$set": { field: time } };
    let result = stage.sessions().update_one(doc! {}, change).await;

    assert_eq!(result.expect("the database answers").modified_count, 1);
}

#[tokio::test]
async fn the_database_removes_ended_sessions_by_itself() {
    let stage = Stage::new().await;
    let index = stage.sessions().list_index_names().await;
    let names = index.expect("the database answers");

    assert!(
        names.iter().any(|name| name.contains("absoluteExpiry")),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_logout_ends_the_session_and_no_other() {
    let stage = Stage::new().await;
    let token = stage.ada().await.refresh_token;
    let other = signed_in(stage.login("ada@example.org", PASSWORD).await, 200).await;

    for _ in 0..2 {
        assert_eq!(stage.log_out(&token).await.status(), 200);
    }
    assert_problem(stage.refresh(&token).await, 401, REFUSED).await;
    refreshed(stage.refresh(&other.refresh_token).await).await;
}

#[tokio::test]
async fn a_spent_token_can_still_log_out() {
    let stage = Stage::new().await;
    let first = stage.ada().await.refresh_token;
    let second = refreshed(stage.refresh(&first).await).await;

    assert_eq!(stage.log_out(&first).await.status(), 200);
    assert_problem(stage.refresh(&second).await, 401, REFUSED).await;
}

#[tokio::test]
async fn a_session_outlives_the_process() {
    let stores = Stores::new();
    let before = start(&stores, &[]).await.ready().await;
    let account = serde_json::json!({
        "userName": "ada", "email": "ada@example.org", "password": PASSWORD,
    });
    let request = before
        .client
        .post(before.at("/v1/auth/register"))
        .json(&account);
    let ada = signed_in(request.send().await.expect("an answer"), 201).await;
    before.stop().await;

    let after = start(&stores, &[]).await.ready().await;
    let body = serde_json::json!({ "refreshToken": ada.refresh_token });
    let request = after
        .client
        .post(after.at("/v1/auth/refresh-token"))
        .json(&body);
    refreshed(request.send().await.expect("an answer")).await;
}
