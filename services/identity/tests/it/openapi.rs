//! The description of the API.

use serde_json::Value;

use crate::stage::{Stage, json_of};

#[tokio::test]
async fn every_route_is_described_and_answers() {
    let stage = Stage::new().await;
    let url = stage.service.at("/openapi.json");
    let document = stage.service.client.get(url).send().await;
    let document = json_of(document.expect("an answer"), 200).await;
    assert_eq!(document["openapi"], "3.1.0");

    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            assert!(operation["operationId"].is_string(), "{method} {path}");
            let method = method.to_uppercase();
            let method = method.parse().expect("a method");
            let path = path.replace("{id}", "x");
            let answer = stage.send(method, &path, "", None).await;
            assert!(![404, 405].contains(&answer.status().as_u16()), "{path}");
            let is_open = operation["security"] == Value::Null;
            assert_eq!(answer.status() == 401, !is_open, "{path}");
            described.push(path);
        }
    }
    described.sort();
    assert_eq!(
        described,
        [
            "/.well-known/jwks.json",
            "/v1/auth/login",
            "/v1/auth/logout",
            "/v1/auth/me",
            "/v1/auth/me",
            "/v1/auth/password",
            "/v1/auth/refresh-token",
            "/v1/auth/register",
            "/v1/auth/sessions",
            "/v1/auth/sessions/x",
        ]
    );
}
