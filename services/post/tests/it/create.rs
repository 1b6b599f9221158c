//! Writing posts and reading them.

use events::PostCreated;
use reqwest::Method;
use serde_json::{Value, json};
use test_kit::object_id;

use crate::stage::{Stage, send};

const CREATE: [&str; 2] = ["/v1/posts", "/v1/posts/create-post"];

#[tokio::test]
async fn a_created_post_is_answered_whole_and_can_be_read_by_others() {
    let stage = Stage::new().await;
    let (author, reader) = (stage.person(), stage.person());
    let files = [object_id(), object_id()];
    for path in CREATE {
        let body = json!({"content": "  Good morning ☀ ", "mediaIds": files, "colour": "blue"});
        let response = author.post(path, &body).await;
        assert_eq!(response.status(), 201);
        let location = response.headers()["location"].clone();
        let created: Value = response.json().await.expect("JSON");

        let post = &created["newPost"];
        let id = post["_id"].as_str().expect("an id");
        let created_at = post["createdAt"].as_str().expect("a time");
        assert_eq!(id.len(), 24, "{id}");
        assert_eq!(created_at.len(), "2026-11-12T08:30:00.120Z".len());
        let expected = json!({
            "success": true,
            "message": "the post was created",
            "newPost": {
                "_id": id,
                "user": author.id,
                "content": "Good morning ☀",
                "mediaIds": files,
                "createdAt": created_at,
                "updatedAt": created_at,
            }
        });
        assert_eq!(created, expected);
        assert_eq!(location, format!("/v1/posts/{id}"));
        assert_eq!(reader.get_json(&format!("/v1/posts/{id}")).await, *post);
    }
}

#[tokio::test]
async fn a_created_post_is_announced() {
    let stage = Stage::new().await;
    let author = stage.person();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = author
        .request(Method::POST, "/v1/posts")
        .header("x-request-id", "request-7")
        .header("traceparent", trace)
        .json(&json!({"content": "hello", "mediaIds": null}));
    let created: Value = send(request).await.json().await.expect("JSON");

    let message = stage.listen().next().await;
    let envelope = message.parse::<PostCreated>().expect("the event");
    let post = &created["newPost"];
    assert_eq!(
        envelope.data,
        PostCreated {
            post_id: post["_id"].as_str().expect("an id").to_owned(),
            user_id: author.id.clone(),
            content: "hello".to_owned(),
            media_ids: Vec::new(),
            created_at: post["createdAt"]
                .as_str()
                .expect("text")
                .parse()
                .expect("a time"),
            version: 1,
        }
    );
    assert_eq!(envelope.origin.request_id, "request-7");
    assert_eq!(envelope.origin.traceparent[3..35], trace[3..35]);
}

#[tokio::test]
async fn the_longest_post_is_taken() {
    let stage = Stage::new().await;
    let files: Vec<_> = (0..10).map(|_| object_id()).collect();
    let content = "\u{1F30D}".repeat(5000);
    let body = json!({"content": content, "mediaIds": files});
    let response = stage.person().post("/v1/posts", &body).await;

    assert_eq!(response.status(), 201);
    let created: Value = response.json().await.expect("JSON");
    assert_eq!(created["newPost"]["content"], content);
}

#[tokio::test]
async fn only_the_paths_of_older_clients_are_deprecated() {
    let stage = Stage::new().await;
    let person = stage.person();
    let deprecation = |response: reqwest::Response| {
        let header = response.headers().get("deprecation").cloned();
        header.map(|value| value.to_str().expect("text").to_owned())
    };
    let body = json!({"content": "hello"});

    let old = [
        person.post("/v1/posts/create-post", &body).await,
        person.get("/v1/posts/getall-posts").await,
    ];
    for response in old {
        assert_eq!(deprecation(response).as_deref(), Some("@1767225600"));
    }
    let new = [
        person.post("/v1/posts", &body).await,
        person.get("/v1/posts").await,
    ];
    for response in new {
        assert_eq!(deprecation(response), None);
    }
}
