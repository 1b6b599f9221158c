//! Changing posts.

use events::{PostCreated, PostUpdated};
use jiff::Timestamp;
use serde_json::{Value, json};
use test_kit::{assert_problem, object_id};

use crate::stage::{Stage, id, path};

#[tokio::test]
async fn the_author_changes_a_post_and_it_is_announced() {
    let stage = Stage::new().await;
    let author = stage.person();
    let (file, other_file) = (object_id(), object_id());
    let body = json!({"content": "hello", "mediaIds": [file]});
    let created = author.post("/v1/posts", &body).await;
    let created: Value = created.json().await.expect("JSON");
    let post = &created["newPost"];
    let path = path(post);

    // What is not named stays.
    let edits = [
        (json!({"content": " good morning "}), "good morning", &file),
        (
            json!({"mediaIds": [other_file]}),
            "good morning",
            &other_file,
        ),
        (
            json!({"content": "bye", "mediaIds": null, "user": object_id(), "_id": object_id()}),
            "bye",
            &other_file,
        ),
    ];
    for (edit, content, file) in &edits {
        let response = author.patch(&path, edit).await;
        assert_eq!(response.status(), 200);
        let changed: Value = response.json().await.expect("JSON");
        let mut expected = post.clone();
        expected["content"] = json!(content);
        expected["mediaIds"] = json!([file]);
        expected["updatedAt"] = changed["updatedAt"].clone();
        assert_eq!(changed, expected);
        assert!(changed["updatedAt"].as_str() >= post["createdAt"].as_str());
        assert_eq!(author.get_json(&path).await, changed);
        assert_eq!(
            author.get_json("/v1/posts").await["posts"],
            json!([changed])
        );
    }

    let created_at = post["createdAt"].as_str().expect("text");
    let created_at: Timestamp = created_at.parse().expect("a time");
    let mut ear = stage.listen();
    let mut versions = Vec::new();
    while versions.len() < edits.len() {
        let message = ear.next().await;
        if message.parse::<PostCreated>().is_ok() {
            continue;
        }
        let event = message.parse::<PostUpdated>().expect("the event").data;
        assert_eq!((&*event.post_id, &event.user_id), (id(post), &author.id));
        assert_eq!(event.created_at, created_at);
        versions.push((event.version, event.content, event.media_ids));
    }
    versions.sort();
    let expected = (2..).zip(&edits).map(|(version, (_, content, file))| {
        (version, (*content).to_owned(), vec![(*file).clone()])
    });
    assert_eq!(versions, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn nobody_else_changes_a_post() {
    let stage = Stage::new().await;
    let (author, other) = (stage.person(), stage.person());
    let post = author.write("mine").await;
    let edit = json!({"content": "yours"});

    assert_problem(
        other.patch(&path(&post), &edit).await,
        403,
        "not_the_author",
    )
    .await;
    assert_eq!(author.get_json(&path(&post)).await, post);
    let nowhere = format!("/v1/posts/{}", object_id());
    assert_problem(author.patch(&nowhere, &edit).await, 404, "post_not_found").await;
}

#[tokio::test]
async fn an_edit_changes_something_allowed() {
    let stage = Stage::new().await;
    let author = stage.person();
    let post = author.write("mine").await;
    let ids: Vec<_> = (0..11).map(|_| object_id()).collect();
    let cases = [
        (json!({"content": ""}), "invalid_content"),
        (json!({"content": "a".repeat(5001)}), "invalid_content"),
        (json!({"content": {"$set": "a"}}), "invalid_field"),
        (json!({"mediaIds": ids}), "invalid_media_ids"),
        (json!({"mediaIds": {"$each": []}}), "invalid_field"),
        (json!([]), "invalid_field"),
        (json!(["positional", []]), "invalid_field"),
    ];
    for (edit, code) in cases {
        let response = author.patch(&path(&post), &edit).await;
        assert_problem(response, 422, code).await;
    }
    assert_eq!(author.get_json(&path(&post)).await, post);
}

#[tokio::test]
async fn an_edit_that_names_nothing_changes_nothing() {
    let stage = Stage::new().await;
    let (author, other) = (stage.person(), stage.person());
    let post = author.write("mine").await;
    for edit in [
        json!({}),
        json!({"content": null, "mediaIds": null, "colour": "blue"}),
    ] {
        let response = author.patch(&path(&post), &edit).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.json::<Value>().await.expect("JSON"), post);
        let response = other.patch(&path(&post), &edit).await;
        assert_problem(response, 403, "not_the_author").await;
        let nowhere = format!("/v1/posts/{}", object_id());
        let response = author.patch(&nowhere, &edit).await;
        assert_problem(response, 404, "post_not_found").await;
    }
}

#[tokio::test]
async fn changes_at_once_are_all_counted() {
    let stage = Stage::new().await;
    let author = stage.person();
    let post = author.write("first").await;
    let edits: Vec<_> = (0..20)
        .map(|n| json!({"content": format!("edit {n}")}))
        .collect();
    let target = path(&post);
    let answers = edits.iter().map(|edit| author.patch(&target, edit));
    for response in futures::future::join_all(answers).await {
        assert_eq!(response.status(), 200);
    }

    author.delete(&target).await;
    let mut ear = stage.listen();
    let mut versions = Vec::new();
    while versions.len() < edits.len() {
        if let Ok(event) = ear.next().await.parse::<PostUpdated>() {
            versions.push(event.data.version);
        }
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..22).collect::<Vec<_>>());
}
