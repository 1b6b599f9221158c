//! The public keys.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::Value;
use test_kit::{KEYS_FILE, key_file};

use crate::stage::{CHEAP, Stage};

/// The file is looked at every few seconds.
const PATIENCE: Duration = Duration::from_secs(20);

async fn key_set(stage: &Stage) -> Response {
    let url = stage.service.at("/.well-known/jwks.json");

    stage
        .service
        .client
        .get(url)
        .send()
        .await
        .expect("an answer")
}

#[tokio::test]
async fn the_key_set_is_served_as_it_is_in_the_file() {
    let stage = Stage::new().await;
    let response = key_set(&stage).await;

    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
    let file = std::fs::read(key_file(KEYS_FILE)).expect("the key file");
    assert_eq!(response.bytes().await.expect("a body"), file);
}

#[tokio::test]
async fn a_key_that_is_added_to_the_file_is_served_before_it_is_used() {
    let own = key_file(KEYS_FILE).with_file_name("growing-jwks.json");
    std::fs::copy(key_file(KEYS_FILE), &own).expect("copied");
    let settings = ["--token-keys-file", own.to_str().expect("a path in UTF-8")];
    let stage = Stage::with(&[&CHEAP[..], &settings].concat()).await;
    let text = with_another_key(&own);
    std::fs::write(&own, &text).expect("written");

    let written = Instant::now();
    while key_set(&stage).await.text().await.expect("text") != text {
        assert!(written.elapsed() < PATIENCE, "the old set is served");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn with_another_key(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("the key file");
    let mut set: Value = serde_json::from_str(&text).expect("JSON");
    let keys = set["keys"].as_array_mut().expect("keys");
    let mut other = keys[0].clone();
    other["kid"] = "another".into();
    keys.push(other);

    set.to_string()
}
