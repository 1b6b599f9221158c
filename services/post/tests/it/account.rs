//! What becomes of the posts of a deleted account.

use std::collections::BTreeSet;
use std::time::Duration;

use events::{PostDeleted, UserDeleted};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use serde_json::json;
use test_kit::{assert_problem, object_id};

use crate::stage::{Person, Stage, id, path};

const PATIENCE: Duration = Duration::from_secs(30);

async fn until_none_is_left(stage: &Stage, person: &Person) {
    let posts = stage.database().await.collection::<Document>("posts");
    let user = ObjectId::parse_str(&person.id).expect("an id");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while posts
        .count_documents(doc! { "user": user })
        .await
        .expect("a count")
        > 0
    {
        assert!(tokio::time::Instant::now() < deadline, "posts are left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The posts whose end is announced, until there were so many.
async fn announced(stage: &Stage, count: usize) -> BTreeSet<String> {
    let mut ear = stage.listen();
    let mut ids = BTreeSet::new();
    while ids.len() < count {
        if let Ok(event) = ear.next().await.parse::<PostDeleted>() {
            assert_eq!(event.data.version, 2);
            ids.insert(event.data.post_id);
        }
    }

    ids
}

#[tokio::test]
async fn all_posts_go_with_their_author_and_each_is_announced() {
    let stage = Stage::new().await;
    let (gone, stays) = (stage.person(), stage.person());
    let kept = stays.write("kept").await;
    // More than one batch, written past the service because that is faster.
    let user = ObjectId::parse_str(&gone.id).expect("an id");
    let documents: Vec<_> = (0..450).map(|_| document(user)).collect();
    let mut expected: BTreeSet<_> = documents
        .iter()
        .map(|post| post.get_object_id("_id").expect("an id").to_hex())
        .collect();
    let posts = stage.database().await.collection::<Document>("posts");
    posts.insert_many(documents).await.expect("an insert");
    expected.insert(id(&gone.write("mine").await).to_owned());

    let event = UserDeleted {
        user_id: gone.id.clone(),
    };
    stage.publish(event.clone()).await;
    until_none_is_left(&stage, &gone).await;
    assert_eq!(stays.get_json("/v1/posts").await["posts"], json!([kept]));
    assert_eq!(announced(&stage, expected.len()).await, expected);

    // Again changes nothing.
    stage.publish(event).await;
    assert_eq!(stays.get_json(&path(&kept)).await, kept);
}

#[tokio::test]
async fn who_is_gone_writes_no_more() {
    let stage = Stage::new().await;
    let gone = stage.person();
    gone.write("before").await;
    stage
        .publish(UserDeleted {
            user_id: gone.id.clone(),
        })
        .await;
    until_none_is_left(&stage, &gone).await;

    // The access token is good for a while.
    let response = gone.post("/v1/posts", &json!({"content": "after"})).await;
    assert_problem(response, 401, "token_invalid").await;
    until_none_is_left(&stage, &gone).await;
}

#[tokio::test]
async fn a_post_that_is_about_to_go_is_shown_to_nobody_and_changed_by_nobody() {
    let stage = Stage::new().await;
    let author = stage.person();
    let post = author.write("mine").await;
    let posts = stage.database().await.collection::<Document>("posts");
    let hide = doc! { "$set": { "deletedAt": DateTime::now() } };
    posts.update_one(doc! {}, hide).await.expect("an update");

    let path = path(&post);
    assert_problem(author.get(&path).await, 404, "post_not_found").await;
    assert_problem(author.delete(&path).await, 404, "post_not_found").await;
    let edit = json!({"content": "changed"});
    assert_problem(author.patch(&path, &edit).await, 404, "post_not_found").await;
    let mine = format!("/v1/posts?user={}", author.id);
    assert_eq!(author.get_json(&mine).await["posts"], json!([]));
}

fn document(user: ObjectId) -> Document {
    doc! {
        "_id": ObjectId::parse_str(object_id()).expect("an id"),
        "user": user,
        "content": "mine",
        "mediaIds": [],
        "createdAt": DateTime::now(),
        "updatedAt": DateTime::now(),
        "version": 1_i64,
    }
}
