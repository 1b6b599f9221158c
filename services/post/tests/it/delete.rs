//! Taking posts back.

use events::{Event as _, PostDeleted};
use serde_json::{Value, json};
use test_kit::{assert_problem, object_id};

use crate::stage::{Ear, Person, Stage};

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

    assert_eq!(
        next_deleted(&mut stage.listen()).await,
        PostDeleted {
            post_id: id.to_owned(),
            user_id: author.id.clone(),
            media_ids: vec![file],
            version: 2,
        }
    );
}

#[tokio::test]
async fn a_file_goes_with_the_last_post_that_shows_it() {
    let stage = Stage::new().await;
    let (author, other) = (stage.person(), stage.person());
    let (own, shared) = (object_id(), object_id());
    let write = async |who: &Person, files: &[&String]| {
        let post = json!({"content": "hello", "mediaIds": files});
        let created = who.post("/v1/posts", &post).await;
        let created: Value = created.json().await.expect("JSON");
        let id = created["newPost"]["_id"].as_str().expect("an id");
        format!("/v1/posts/{id}")
    };
    // Whoever else names a file has no say.
    write(&other, &[&own, &shared]).await;
    let first = write(&author, &[&own, &shared]).await;
    let second = write(&author, &[&shared]).await;
    let edited = write(&author, &[&own]).await;
    author.patch(&edited, &json!({"mediaIds": []})).await;

    let mut ear = stage.listen();
    assert_eq!(author.delete(&first).await.status(), 200);
    assert_eq!(next_deleted(&mut ear).await.media_ids, [own]);
    assert_eq!(author.delete(&second).await.status(), 200);
    assert_eq!(next_deleted(&mut ear).await.media_ids, [shared]);
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

async fn next_deleted(ear: &mut Ear) -> PostDeleted {
    loop {
        let message = ear.next().await;
        if message.kind() == PostDeleted::TYPE {
            return message.parse::<PostDeleted>().expect("the event").data;
        }
    }
}
