//! What is no request of the public API.

use reqwest::Method;
use test_kit::assert_problem;

use crate::stage::{Service, gateway_before};

#[tokio::test]
async fn an_unknown_path_is_refused_before_anybody_asks_for_a_token() {
    let service = Service::saying("never").await;
    let gateway = gateway_before(&service.url).await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v2/posts",
        "/v1/posts/",
        "/v1/posts//",
        "/v1/posts/a/b",
        "/v1/auth/login/",
        "/V1/posts",
        "/v1/users",
        "/metrics",
        "/healthz",
        "/readyz",
    ] {
        let response = gateway.client.get(gateway.at(path)).send().await;
        assert_problem(response.expect("an answer"), 404, "no_such_path").await;
    }
    assert!(service.take().is_empty());
}

#[tokio::test]
async fn a_wrong_method_is_refused_with_the_right_ones() {
    let service = Service::saying("never").await;
    let gateway = gateway_before(&service.url).await;
    for (method, path, allowed) in [
        ("GET", "/v1/auth/login", "POST"),
        ("PUT", "/v1/posts", "POST, GET, HEAD"),
        ("OPTIONS", "/v1/posts", "POST, GET, HEAD"),
        (
            "PUT",
            "/v1/posts/0123456789abcdef01234567",
            "GET, HEAD, PATCH, DELETE",
        ),
        ("DELETE", "/v1/media", "POST"),
        ("GET", "/v1/media/upload-media", "POST"),
        ("POST", "/v1/media/0123456789abcdef01234567", "GET, HEAD"),
        ("POST", "/v1/search/posts", "GET, HEAD"),
        ("BREW", "/.well-known/jwks.json", "GET, HEAD"),
    ] {
        let method: Method = method.parse().expect("a method");
        let response = gateway
            .client
            .request(method, gateway.at(path))
            .send()
            .await;
        let response = response.expect("an answer");
        assert_eq!(response.headers()["allow"], allowed, "{path}");
        assert_problem(response, 405, "method_not_allowed").await;
    }
    assert!(service.take().is_empty());
}
