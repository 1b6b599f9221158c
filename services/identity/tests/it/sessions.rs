//! One's own sessions: to look at, and to end.

use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};
use test_kit::{assert_problem, object_id};

use crate::stage::{PASSWORD, SignedIn, Stage, json_of, refreshed, signed_in, text};

const PATH: &str = "/v1/auth/sessions";

async fn sessions(stage: &Stage, access_token: &str) -> Vec<Value> {
    let mut body = json_of(stage.get(PATH, access_token).await, 200).await;
    let Value::Array(sessions) = body["sessions"].take() else {
        panic!("no array of sessions");
    };

    sessions
}

async fn login_with(stage: &Stage, device: &str) -> SignedIn {
    let request = stage
        .service
        .client
        .post(stage.service.at("/v1/auth/login"));
    let body = json!({ "email": "ada@example.org", "password": PASSWORD });
    let request = request.header(USER_AGENT, device).json(&body);

    signed_in(request.send().await.expect("an answer"), 200).await
}

#[tokio::test]
async fn a_session_is_shown_with_its_device_and_its_use() {
    let stage = Stage::new().await;
    stage.ada().await;
    let phone = login_with(&stage, "Phone/1.0").await;
    let laptop = login_with(&stage, "Laptop/2.0").await;
    refreshed(stage.refresh(&phone.refresh_token).await).await;

    let sessions = sessions(&stage, &phone.access_token).await;
    let devices: Vec<_> = sessions.iter().map(|session| &session["device"]).collect();
    assert_eq!(devices, ["Phone/1.0", "Laptop/2.0", ""]);
    let current: Vec<_> = sessions
        .iter()
        .map(|session| &session["isCurrent"])
        .collect();
    assert_eq!(current, [true, false, false]);
    assert!(text(&sessions[0], "firstUsedAt") < text(&sessions[0], "lastUsedAt"));
    assert_eq!(sessions[1]["firstUsedAt"], sessions[1]["lastUsedAt"]);
    assert_eq!(text(&sessions[1], "id").len(), 24);
    let fields = sessions[1].as_object().map(serde_json::Map::len);
    assert_eq!(fields, Some(5), "no token, no nonce: {laptop:?}");
}

#[tokio::test]
async fn ending_a_session_ends_it_everywhere_and_no_other() {
    let stage = Stage::new().await;
    let beside = stage.beside().await;
    let ada = stage.ada().await;
    let lost = login_with(&stage, "Lost/1.0").await;
    let id = text(&sessions(&stage, &ada.access_token).await[0], "id");
    let path = format!("{PATH}/{id}");
    let ended = stage.send(Method::DELETE, &path, &ada.access_token, None);
    assert_eq!(json_of(ended.await, 200).await["success"], true);

    let refused = beside.refresh(&lost.refresh_token).await;
    assert_problem(refused, 401, "refresh_token_invalid").await;
    stage.refuses(&lost.access_token).await;
    beside.refuses(&lost.access_token).await;
    assert_eq!(sessions(&stage, &ada.access_token).await.len(), 1);
    refreshed(stage.refresh(&ada.refresh_token).await).await;
    let again = stage.send(Method::DELETE, &path, &ada.access_token, None);
    assert_problem(again.await, 404, "session_not_found").await;
}

#[tokio::test]
async fn a_logout_and_a_stolen_token_end_the_access_tokens_too() {
    let stage = Stage::new().await;
    let beside = stage.beside().await;
    let ada = stage.ada().await;
    assert_eq!(stage.log_out(&ada.refresh_token).await.status(), 200);
    beside.refuses(&ada.access_token).await;

    let stolen = login_with(&stage, "Stolen/1.0").await;
    let second = refreshed(stage.refresh(&stolen.refresh_token).await).await;
    refreshed(stage.refresh(&second).await).await;
    let refused = stage.refresh(&stolen.refresh_token).await;
    assert_problem(refused, 401, "refresh_token_invalid").await;
    beside.refuses(&stolen.access_token).await;
}

#[tokio::test]
async fn nobody_sees_or_ends_a_session_of_somebody_else() {
    let stage = Stage::new().await;
    let ada = stage.ada().await;
    let eva = signed_in(stage.register("eva", "eva@example.org").await, 201).await;
    let id = text(&sessions(&stage, &ada.access_token).await[0], "id");
    assert_eq!(sessions(&stage, &eva.access_token).await.len(), 1);

    for id in [id, object_id()] {
        let path = format!("{PATH}/{id}");
        let refused = stage.send(Method::DELETE, &path, &eva.access_token, None);
        assert_problem(refused.await, 404, "session_not_found").await;
    }
    for bad in ["x", "%24ne", "673301c8e4b0a1b2c3d4e5f"] {
        let path = format!("{PATH}/{bad}");
        let refused = stage.send(Method::DELETE, &path, &eva.access_token, None);
        assert_problem(refused.await, 400, "malformed_id").await;
    }
    refreshed(stage.refresh(&ada.refresh_token).await).await;
}
