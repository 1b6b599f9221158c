//! Taking posts back.

use events::{PostCreated, PostDeleted};
use serde_json::{Value, json};
use test_kit::{assert_problem, object_id};

use crate::stage::Stage;

#[tokio::test]
async fn the_author_deletes_a_post_and_it_is_announced() {
    let stage = Stage::new().await;
    let author = stage.person();
    let file = object_id();
    let created = author
        .post(
            "/v1/posts",
            &json!({"content": "hello", "mediaIds": [file]}),
        )
        .await;
    let created: Value = created.json().await.expect("JSON");
    let id = created["newPost"]["_id"].as_str().expect("an id");
    let path = format!("/v1/posts/{id}");

    let deleted = author.delete(&path).await;
    assert_eq!(deleted.status(), 200);
    assert_eq!(
        deleted.json::<Value>().await.expect("JSON"),
        json!({"success": true, "message": "the post was deleted"})
    );
    assert_problem(author.get(&path).await, 404, "post_not_found").await;
    assert_problem(author.delete(&path).await, 404, "post_not_found").await;
    assert_eq!(author.get_json("/v1/posts").await["posts"], json!([]));

    let mut ear = stage.listen();
    let event = loop {
        let message = ear.next().await;
        if message.parse::<PostCreated>().is_err() {
            break message.parse::<PostDeleted>().expect("the event").data;
        }
    };
    assert_eq!(
        event,
        PostDeleted {
            post_id: id.to_owned(),
            user_id: author.id.clone(),
            media_ids: vec![file],
            version: 2,
        }
    );
}

#[tokio::test]
async fn nobody_else_deletes_a_post() {
    let stage = Stage::new().await;
    let (author, other) = (stage.person(), stage.person());
    let post = author.write("mine").await;
    let path = format!("/v1/posts/{}", post["_id"].as_str().expect("an id"));

    assert_problem(other.delete(&path).await, 403, "not_the_author").await;
    assert_eq!(author.get_json(&path).await, post);
}
