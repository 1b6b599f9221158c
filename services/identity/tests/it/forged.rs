//! Tokens that are not ours.

use reqwest::Method;
use test_kit::assert_no_forgery_passes;

use crate::stage::Stage;

#[tokio::test]
async fn no_forged_token_is_accepted() {
    let stage = Stage::new().await;

    assert_no_forgery_passes(&stage.service, Method::GET, "/v1/auth/me").await;
}
