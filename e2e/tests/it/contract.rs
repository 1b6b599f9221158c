//! What is described is what is served: by each service, by the gateway, and in docs/api.md.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::Value;
use test_kit::{Running, object_id};

use crate::loopback::Platform;

const DOCUMENT: &str = include_str!("../../../docs/api.md");
/// HEAD is left out: whoever answers GET answers it too, and nobody describes it.
const METHODS: [&str; 8] = [
    "DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE",
];

/// By method and path: `GET /v1/posts`.
type Operations = BTreeMap<String, Value>;

#[tokio::test]
async fn the_gateway_describes_the_documented_paths() {
    let platform = Platform::start().await;
    let described: BTreeSet<_> = operations(&platform.gateway).await.into_keys().collect();

    assert_eq!(described, documented());
}

#[tokio::test]
async fn what_the_services_describe_is_what_the_gateway_describes() {
    let platform = Platform::start().await;
    let mut described = BTreeSet::from(["GET /v1/instance".to_owned()]);
    for service in platform.services() {
        for name in operations(service).await.into_keys() {
            assert!(described.insert(name.clone()), "{name} is described twice");
        }
    }
    let merged: BTreeSet<_> = operations(&platform.gateway).await.into_keys().collect();

    assert_eq!(merged, described);
}

#[tokio::test]
async fn what_is_described_is_answered_and_nothing_else() {
    let platform = Platform::start().await;
    let all = platform.services().into_iter().chain([&platform.gateway]);
    for service in all {
        let described = operations(service).await;
        for path in paths(&described) {
            for method in METHODS {
                let name = format!("{method} {path}");
                let is_described = described.contains_key(&name);
                let is_answered = answers(service, method, path).await;
                assert_eq!(is_answered, is_described, "{name} of {}", service.url);
            }
        }
        assert!(!answers(service, "GET", "/v1/nothing").await);
    }
}

#[tokio::test]
async fn an_operation_describes_every_status_it_can_answer() {
    let platform = Platform::start().await;
    for (name, operation) in operations(&platform.gateway).await {
        let responses = operation["responses"].as_object().expect("responses");
        for (status, response) in responses {
            let text = response["description"].as_str();
            assert!(text.is_some_and(|text| !text.is_empty()), "{name} {status}");
        }
        let lacking: Vec<_> = statuses(&name, &operation)
            .into_iter()
            .filter(|status| !responses.contains_key(*status))
            .collect();
        assert!(lacking.is_empty(), "{name} lacks {lacking:?}");
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{name} never succeeds"
        );
    }
}

/// What an operation can answer besides its success, by what it takes.
fn statuses(name: &str, operation: &Value) -> Vec<&'static str> {
    let mut statuses = vec!["429", "500", "503"];
    if name != "GET /v1/instance" {
        // It is forwarded to a service.
        statuses.extend(["400", "413", "502", "504"]);
    }
    if operation.get("security").is_some() {
        statuses.push("401");
    }
    if operation.get("requestBody").is_some() {
        statuses.extend(["408", "415", "422"]);
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        match (&parameter["in"], &parameter["name"]) {
            (place, _) if place == "path" => statuses.push("404"),
            (place, _) if place == "query" => statuses.push("422"),
            (_, name) if name == "Idempotency-Key" => statuses.push("409"),
            (_, name) if name == "Range" => statuses.extend(["206", "416"]),
            (_, name) if name == "If-None-Match" => statuses.push("304"),
            _ => {}
        }
    }
    match name {
        "POST /v1/auth/register" => statuses.push("409"),
        "POST /v1/auth/login" | "POST /v1/auth/refresh-token" | "POST /v1/auth/logout" => {
            statuses.push("401");
        }
        "DELETE /v1/auth/me"
        | "POST /v1/auth/password"
        | "PATCH /v1/posts/{id}"
        | "DELETE /v1/posts/{id}" => statuses.push("403"),
        _ => {}
    }

    statuses
}

/// Whether somebody answers this method of this path.
async fn answers(service: &Running, method: &str, path: &str) -> bool {
    let url = service.at(&path.replace("{id}", &object_id()));
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let answer = service.client.request(method, url).send().await;
    let answer = answer.expect("an answer");
    let code = match answer.status().as_u16() {
        404 => "no_such_path",
        405 => "method_not_allowed",
        _ => return true,
    };
    let problem: Value = answer.json().await.expect("a problem document");

    problem["code"] != code
}

/// What is described at `/openapi.json`.
pub async fn operations(service: &Running) -> Operations {
    let answer = service.client.get(service.at("/openapi.json")).send().await;
    let api: Value = answer.expect("an answer").json().await.expect("JSON");
    let mut operations = Operations::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let name = format!("{} {path}", method.to_uppercase());
            operations.insert(name, operation.clone());
        }
    }

    operations
}

fn paths(operations: &Operations) -> BTreeSet<&str> {
    let names = operations.keys();

    names
        .filter_map(|name| Some(name.split_once(' ')?.1))
        .collect()
}

/// What stands as "GET `/v1/posts`" in the tables of docs/api.md, but for what is no part of the API: its description,
/// and pages.
fn documented() -> BTreeSet<String> {
    let tables = DOCUMENT.lines().filter(|line| line.starts_with('|'));
    let cells = tables.flat_map(|line| line.split('|').map(str::trim));

    cells
        .filter(|cell| cell.ends_with('`') && cell.contains(" `/"))
        .map(|cell| cell.replace('`', ""))
        .filter(|name| !name.contains("/openapi.json") && !name.contains("/docs"))
        .collect()
}
