//! The shape every refusal has.

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

/// Checks that `response` is a complete problem document with this status and code, and returns it.
pub async fn assert_problem(response: Response, status: u16, code: &str) -> Value {
    let seen = response.status().as_u16();
    let kind = response.headers().get(CONTENT_TYPE).cloned();
    let request_id = response.headers().get("x-request-id").cloned();
    let text = response.text().await.expect("a body");
    assert_eq!(seen, status, "{text}");
    assert_eq!(
        kind.expect("a content type"),
        "application/problem+json",
        "{text}"
    );

    let problem: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(problem["code"], code, "{text}");
    assert_eq!(problem["status"], status, "{text}");
    assert_eq!(problem["success"], false, "{text}");
    assert_eq!(problem["message"], problem["detail"], "{text}");
    assert!(
        problem["type"].is_string() && problem["title"].is_string(),
        "{text}"
    );
    assert_eq!(
        problem["requestId"],
        request_id.expect("a request id").to_str().expect("text"),
        "{text}"
    );

    problem
}
