//! Tokens that are not ours.

use reqwest::Method;
use test_kit::{assert_no_forgery_passes, object_id};

use crate::stage::Stage;

#[tokio::test]
async fn no_forged_token_is_accepted() {
    let stage = Stage::new().await;
    let session = format!("/v1/auth/sessions/{}", object_id());
    for (method, path) in [
        (Method::GET, "/v1/auth/me"),
        (Method::DELETE, "/v1/auth/me"),
        (Method::POST, "/v1/auth/password"),
        (Method::GET, "/v1/auth/sessions"),
        (Method::DELETE, &session),
    ] {
        assert_no_forgery_passes(&stage.service, method, path).await;
    }
}
