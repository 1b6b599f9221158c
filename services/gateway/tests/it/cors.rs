//! Pages of other origins.

use reqwest::{Method, Response};
use test_kit::{Running, assert_problem};

use crate::stage::{Service, gateway, request};

const PAGE: &str = "https://app.example";
const ALLOWED: [&str; 2] = [
    "--cors-allowed-origins",
    "https://app.example,http://localhost:3000",
];

async fn ask(gateway: &Running, method: Method, path: &str, origin: &str) -> Response {
    let mut request = request(gateway, method.clone(), path).header("origin", origin);
    if method == Method::OPTIONS {
        request = request.header("access-control-request-method", "DELETE");
    }

    request.send().await.expect("an answer")
}

#[tokio::test]
async fn a_browser_is_told_what_a_script_may_send_and_no_service_is_asked() {
    let service = Service::saying("never").await;
    let gateway = gateway([&service.url; 4], &ALLOWED).await;
    for (path, methods) in [
        (
            "/v1/posts/0123456789abcdef01234567",
            "GET, HEAD, PATCH, DELETE",
        ),
        ("/v1/instance", "GET, HEAD"),
    ] {
        let answer = ask(&gateway, Method::OPTIONS, path, PAGE).await;
        assert_eq!(answer.status(), 204, "{path}");
        let headers = answer.headers();
        assert_eq!(headers["access-control-allow-origin"], PAGE);
        assert_eq!(headers["access-control-allow-methods"], methods);
        let sent = headers["access-control-allow-headers"].to_str();
        let sent = sent.expect("text");
        for name in ["authorization", "content-type", "idempotency-key"] {
            assert!(sent.contains(name), "{name}");
        }
        assert!(!headers.contains_key("access-control-allow-credentials"));
        assert!(headers.contains_key("x-request-id"), "{path}");
    }

    assert!(service.take().is_empty());
}

#[tokio::test]
async fn a_script_may_read_every_answer_failures_among_them() {
    let service = Service::saying("ok").await;
    let gateway = gateway([&service.url; 4], &ALLOWED).await;
    for (path, status) in [("/v1/posts", 200), ("/nowhere", 404)] {
        let answer = ask(&gateway, Method::GET, path, PAGE).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["access-control-allow-origin"], PAGE);
        assert_eq!(answer.headers()["vary"], "origin");
    }
    let refused = gateway.client.get(gateway.at("/v1/posts"));
    let refused = refused.header("origin", PAGE).send().await;
    let refused = refused.expect("an answer");
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["access-control-allow-origin"], PAGE);
}

#[tokio::test]
async fn another_page_is_told_nothing() {
    let service = Service::saying("ok").await;
    for settings in [&ALLOWED[..], &[]] {
        let gateway = gateway([&service.url; 4], settings).await;
        let answer = ask(&gateway, Method::GET, "/v1/posts", "https://evil.example").await;
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        let answer = ask(
            &gateway,
            Method::OPTIONS,
            "/v1/posts",
            "https://evil.example",
        )
        .await;
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        assert_problem(answer, 405, "method_not_allowed").await;
    }
}
