//! Tokens that are not ours, or not any more.

use reqwest::Method;
use test_kit::{assert_ended_sessions_are_refused, assert_no_forgery_passes};

use crate::stage::Stage;

#[tokio::test]
async fn no_forged_token_is_accepted() {
    let stage = Stage::new().await;

    assert_no_forgery_passes(&stage.service, Method::GET, "/v1/posts").await;
}

#[tokio::test]
async fn a_token_is_refused_soon_after_its_session_ended() {
    let stage = Stage::new().await;

    assert_ended_sessions_are_refused(&stage.service, Method::GET, "/v1/posts").await;
}
