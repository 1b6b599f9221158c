//! What the gateway answers itself.

use axum::Json;
use axum::extract::Request;
use reqwest::{Response, get};
use serde_json::{Value, json};
use test_kit::{Running, assert_problem};

use crate::stage::{NOWHERE, Service, gateway, gateway_before};

async fn at(gateway: &Running, path: &str) -> Response {
    get(gateway.at(path)).await.expect("an answer")
}

async fn json_at(gateway: &Running, path: &str) -> Value {
    let answer = at(gateway, path).await;
    assert_eq!(answer.status(), 200, "{path}");

    answer.json().await.expect("JSON")
}

/// A service that describes login.
async fn describing() -> Service {
    Service::answering(|request: Request| async move {
        assert_eq!(request.uri().path(), "/openapi.json");
        Json(json!({
            "paths": { "/v1/auth/login": { "post": { "responses": { "200": { "description": "in" } } } } },
            "components": { "schemas": {} }
        }))
    })
    .await
}

#[tokio::test]
async fn anybody_may_know_what_the_platform_takes() {
    let settings = [
        "--instance-name",
        "Town Square",
        "--allowed-media-types",
        "image/png,video/mp4",
        "--rate-limit-per-minute",
        "600",
    ];
    let gateway = gateway([NOWHERE; 4], &settings).await;
    let instance = json_at(&gateway, "/v1/instance").await;

    assert_eq!(instance["name"], "Town Square");
    assert_eq!(instance["contact"], Value::Null);
    assert_eq!(instance["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(instance["mediaTypes"], json!(["image/png", "video/mp4"]));
    assert_eq!(instance["limits"]["uploadBytes"], 256 * 1024);
    assert_eq!(instance["limits"]["requestsPerMinute"], 600);
}

#[tokio::test]
async fn the_description_has_the_parts_of_all() {
    let service = describing().await;
    let gateway = gateway_before(&service.url).await;
    let api = json_at(&gateway, "/openapi.json").await;

    assert!(
        api["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    assert!(api["paths"]["/v1/instance"]["get"].is_object());
    let login = &api["paths"]["/v1/auth/login"]["post"];
    assert_eq!(login["responses"]["200"]["description"], "in");
    assert!(login["responses"]["429"].is_object());
    assert!(api["components"]["schemas"]["Problem"].is_object());
}

#[tokio::test]
async fn a_description_that_lacks_a_part_is_not_given_out() {
    let service = describing().await;
    let gateway = gateway([&service.url, &service.url, NOWHERE, &service.url], &[]).await;

    assert_problem(
        at(&gateway, "/openapi.json").await,
        503,
        "upstream_unreachable",
    )
    .await;
}

#[tokio::test]
async fn the_page_to_try_it_needs_nothing_from_elsewhere() {
    let gateway = gateway([NOWHERE; 4], &[]).await;
    // Without a slash at its end, the names of its files would lead elsewhere.
    let page = at(&gateway, "/docs").await;
    assert_eq!(page.url().path(), "/docs/");
    let policy = page.headers()["content-security-policy"].clone();
    let policy = policy.to_str().expect("text");
    assert!(
        !policy.contains("http") && !policy.contains('*'),
        "{policy}"
    );
    let page = page.text().await.expect("text");
    assert!(!page.contains("//"), "{page}");

    let files: Vec<_> = page
        .split(['"', '\''])
        .filter(|text| text.starts_with("./") || text.ends_with(".css"))
        .collect();
    assert!(files.len() >= 4, "{page}");
    for file in files {
        let answer = at(
            &gateway,
            &format!("/docs/{}", file.trim_start_matches("./")),
        )
        .await;
        assert_eq!(answer.status(), 200, "{file}");
    }
    let set_up = at(&gateway, "/docs/swagger-initializer.js").await;
    let set_up = set_up.text().await.expect("text");
    assert!(set_up.contains("/openapi.json"), "{set_up}");
    assert_problem(at(&gateway, "/docs/nothing.js").await, 404, "no_such_path").await;
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_what_it_means() {
    let gateway = gateway([NOWHERE; 4], &[]).await;
    let problem = assert_problem(at(&gateway, "/nowhere").await, 404, "no_such_path").await;
    let (page, anchor) = problem["type"]
        .as_str()
        .and_then(|address| address.split_once('#'))
        .expect("a page and an anchor");
    let page = at(&gateway, page).await.text().await.expect("text");

    assert!(page.contains(&format!("id=\"{anchor}\"")), "{page}");
}
