//! What the gateway changes in a message, and what it leaves.

use axum::http::{HeaderMap, StatusCode};
use reqwest::Method;
use reqwest::header::{ETAG, IF_NONE_MATCH, RANGE};
use test_kit::{Token, object_id};

use crate::stage::{Service, gateway_before, get, request};

#[tokio::test]
async fn no_header_names_the_user_and_none_the_client_but_ours() {
    let service = Service::saying("ok").await;
    let gateway = gateway_before(&service.url).await;
    let response = request(&gateway, Method::GET, "/v1/posts")
        .header("x-user-id", object_id())
        .header("X-User-Id", object_id())
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-user", "root")
        .header("forwarded", "for=10.0.0.1;host=evil.example")
        .header("x-real-ip", "10.0.0.1")
        .header("connection", "x-secret, x-forwarded-for")
        .header("x-secret", "1")
        .header("te", "trailers")
        .header("accept-language", "en")
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200);

    let asked = service.take().remove(0).headers;
    for gone in [
        "x-user-id",
        "x-forwarded-user",
        "forwarded",
        "x-real-ip",
        "x-secret",
        "te",
        "connection",
    ] {
        assert!(!asked.contains_key(gone), "{gone}");
    }
    let all = |name: &str| -> Vec<_> { asked.get_all(name).iter().collect() };
    assert_eq!(all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(
        all("x-forwarded-host"),
        [gateway.url.trim_start_matches("http://")]
    );
    assert_eq!(all("x-forwarded-proto"), ["http"]);
    assert_eq!(all("host"), [service.url.trim_start_matches("http://")]);
    assert_eq!(all("accept-language"), ["en"]);
}

#[tokio::test]
async fn the_token_goes_on_for_the_service_to_check() {
    let service = Service::saying("ok").await;
    let gateway = gateway_before(&service.url).await;
    let token = format!("Bearer {}", Token::Valid.of(&object_id()));
    let request = gateway.client.get(gateway.at("/v1/posts"));
    request
        .header("authorization", &token)
        .send()
        .await
        .expect("an answer");

    assert_eq!(service.take()[0].headers["authorization"], token);
}

#[tokio::test]
async fn a_request_has_one_id_and_one_trace_everywhere() {
    let service = Service::saying("ok").await;
    let gateway = gateway_before(&service.url).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let response = request(&gateway, Method::GET, "/v1/posts")
        .header("x-request-id", "from-the-client")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.headers()["x-request-id"], "from-the-client");
    let asked = service.take().remove(0).headers;
    assert_eq!(asked["x-request-id"], "from-the-client");
    let traceparent = asked["traceparent"].to_str().expect("text");
    assert!(
        traceparent.starts_with(&format!("00-{trace}-")),
        "{traceparent}"
    );

    let response = get(&gateway, "/v1/posts").await;
    assert_eq!(
        response.headers()["x-request-id"],
        service.take()[0].headers["x-request-id"]
    );
}

#[tokio::test]
async fn an_answer_passes_untouched_but_for_its_connection() {
    let document = r#"{"type":"about:blank","status":409,"code":"their_own","requestId":"r"}"#;
    let service = Service::answering(move |_| async move {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/problem+json"),
            ("cache-control", "max-age=7"),
            ("x-their-own", "1"),
            ("keep-alive", "timeout=5"),
            ("connection", "x-private"),
            ("x-private", "1"),
            ("set-cookie", "a=b"),
        ] {
            headers.insert(name, value.parse().expect("a header"));
        }
        (StatusCode::CONFLICT, headers, document)
    })
    .await;
    let response = get(&gateway_before(&service.url).await, "/v1/posts").await;

    assert_eq!(response.status(), 409);
    let headers = response.headers();
    assert_eq!(headers["cache-control"], "max-age=7");
    assert_eq!(headers["x-their-own"], "1");
    assert_eq!(headers["set-cookie"], "a=b");
    for gone in ["keep-alive", "x-private"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
    assert_eq!(response.text().await.expect("text"), document);
}

#[tokio::test]
async fn an_answer_is_neither_guessed_at_nor_framed_nor_kept() {
    let service = Service::saying("ok").await;
    let gateway = gateway_before(&service.url).await;
    let without_token = gateway.client.get(gateway.at("/v1/posts")).send().await;
    let wrong_method = request(&gateway, Method::PUT, "/v1/posts").send().await;

    for response in [
        get(&gateway, "/v1/posts").await,
        without_token.expect("an answer"),
        wrong_method.expect("an answer"),
        get(&gateway, "/nowhere").await,
        get(&gateway, "/v1/instance").await,
    ] {
        let headers = response.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(headers.contains_key("cache-control"));
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; frame-ancestors 'none'"
        );
    }
}

#[tokio::test]
async fn ranges_and_what_a_client_has_already_work_through_the_gateway() {
    let service = Service::answering(|request| async move {
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, "\"7\"".parse().expect("a header"));
        if request.headers().contains_key(IF_NONE_MATCH) {
            return (StatusCode::NOT_MODIFIED, headers, "");
        }
        let range = request.headers().get(RANGE).cloned();
        assert_eq!(range.expect("a range"), "bytes=2-4");
        headers.insert("content-range", "bytes 2-4/9".parse().expect("a header"));
        (StatusCode::PARTIAL_CONTENT, headers, "cde")
    })
    .await;
    let gateway = gateway_before(&service.url).await;
    let path = "/v1/media/0123456789abcdef01234567";

    let part = request(&gateway, Method::GET, path).header(RANGE, "bytes=2-4");
    let part = part.send().await.expect("an answer");
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/9");
    assert_eq!(part.headers()["content-length"], "3");
    assert_eq!(part.text().await.expect("text"), "cde");

    let known = request(&gateway, Method::GET, path).header(IF_NONE_MATCH, "\"7\"");
    let known = known.send().await.expect("an answer");
    assert_eq!(known.status(), 304);
    assert_eq!(known.headers()["etag"], "\"7\"");
    assert_eq!(known.text().await.expect("text"), "");
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let service = Service::answering(|request| async move { request.method().to_string() }).await;
    let gateway = gateway_before(&service.url).await;
    let response = request(&gateway, Method::HEAD, "/v1/posts").send().await;
    let response = response.expect("an answer");

    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], "4");
    assert_eq!(response.text().await.expect("text"), "");
}
