//! Tokens that are not ours.

use reqwest::Method;
use test_kit::assert_no_forgery_passes;

use crate::stage::{Service, gateway_before};

#[tokio::test]
async fn no_forged_token_reaches_a_service() {
    let service = Service::saying("post").await;
    let gateway = gateway_before(&service.url).await;

    assert_no_forgery_passes(&gateway, Method::GET, "/v1/posts").await;
    assert!(service.take().is_empty());
}
