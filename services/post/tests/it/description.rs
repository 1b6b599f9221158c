//! What the service says about itself is what it does.

use std::collections::BTreeSet;

use mongodb::bson::Document;
use reqwest::Method;
use serde_json::Value;
use test_kit::object_id;

use crate::stage::{Stage, send};

const INDEXES: &str = include_str!("../../../../docs/indexes.md");

#[tokio::test]
async fn every_route_is_described_and_every_description_is_a_route() {
    let stage = Stage::new().await;
    let api = send(stage.request(Method::GET, "/openapi.json")).await;
    let api: Value = api.json().await.expect("JSON");
    let paths = api["paths"].as_object().expect("paths");

    let mut described = BTreeSet::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("operations") {
            let method = method.to_uppercase();
            let statuses: BTreeSet<_> = operation["responses"]
                .as_object()
                .expect("responses")
                .keys()
                .cloned()
                .collect();
            for status in ["400", "401", "500", "503"] {
                assert!(statuses.contains(status), "{method} {path} {status}");
            }
            described.insert(format!("{method} {path}"));
        }
    }
    let expected = [
        "DELETE /v1/posts/{id}",
        "GET /v1/posts",
        "GET /v1/posts/getall-posts",
        "GET /v1/posts/{id}",
        "PATCH /v1/posts/{id}",
        "POST /v1/posts",
        "POST /v1/posts/create-post",
    ];
    assert_eq!(described, expected.map(str::to_owned).into());

    // And nothing else is answered: what is no route is 404 or 405, what is one asks for a token.
    for path in paths.keys() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let name = format!("{method} {path}");
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let path = path.replace("{id}", &object_id());
            let status = send(stage.request(method, &path)).await.status().as_u16();
            let expected = if described.contains(&name) {
                &[401][..]
            } else {
                // A path of an older client may be read as an id.
                &[401, 405]
            };
            assert!(expected.contains(&status), "{name}: {status}");
        }
    }
}

#[tokio::test]
async fn the_documented_indexes_are_the_ones_there_are() {
    let stage = Stage::new().await;
    let database = stage.database().await;
    let mut found = BTreeSet::new();
    for collection in database.list_collection_names().await.expect("names") {
        let indexes = database.collection::<Document>(&collection);
        let mut indexes = indexes.list_indexes().await.expect("indexes");
        while indexes.advance().await.expect("an index") {
            let index = indexes.deserialize_current().expect("an index");
            let keys: Vec<_> = index
                .keys
                .iter()
                .map(|(field, way)| format!("{field}: {way}"))
                .collect();
            found.insert(format!("{collection} | {}", keys.join(", ")));
        }
    }

    let documented = INDEXES
        .lines()
        .filter_map(|line| line.strip_prefix("| post | "))
        .filter_map(|line| {
            let (name, rest) = line.split_once(" | ")?;
            let keys = rest.split('`').nth(1)?;
            Some(format!("{} | {keys}", name.trim_matches('`')))
        })
        // MongoDB makes a collection, and the index of its ids, with the first document.
        .filter(|index| !index.starts_with("goneUsers"));
    assert_eq!(found, documented.collect());
}
