//! Leafing through posts.

use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use serde_json::{Value, json};
use test_kit::assert_problem;

use crate::stage::{Person, Stage};

/// Writes so many posts and returns them as they are listed: newest first.
async fn write(person: &Person, count: usize) -> Vec<Value> {
    let mut posts = Vec::new();
    for number in 0..count {
        posts.push(person.write(&format!("post {number}")).await);
    }
    let key = |post: &Value| {
        let text = |field: &str| post[field].as_str().expect("text").to_owned();
        std::cmp::Reverse((text("createdAt"), text("_id")))
    };
    posts.sort_by_key(key);
    posts
}

#[tokio::test]
async fn an_empty_list_is_a_list() {
    let stage = Stage::new().await;
    let list = stage.person().get_json("/v1/posts").await;

    assert_eq!(
        list,
        json!({"posts": [], "currentPage": 1, "totalPages": 0, "totalPosts": 0, "nextCursor": null})
    );
}

#[tokio::test]
async fn a_cursor_leads_through_all_posts_newest_first() {
    let stage = Stage::new().await;
    let person = stage.person();
    let expected = write(&person, 25).await;

    let mut path = "/v1/posts".to_owned();
    let mut seen = Vec::new();
    for page in 1..=3 {
        let list = person.get_json(&path).await;
        assert_eq!(list["currentPage"], page);
        assert_eq!(
            (&list["totalPages"], &list["totalPosts"]),
            (&json!(3), &json!(25))
        );
        seen.extend(list["posts"].as_array().expect("posts").clone());
        match list["nextCursor"].as_str() {
            Some(cursor) => path = format!("/v1/posts?cursor={cursor}"),
            None => assert_eq!(page, 3),
        }
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_cursor_keeps_its_place_while_posts_come_and_go() {
    let stage = Stage::new().await;
    let person = stage.person();
    let expected = write(&person, 4).await;
    let first = person.get_json("/v1/posts?limit=2").await;
    let cursor = first["nextCursor"].as_str().expect("a cursor");

    person.write("newer").await;
    let last_seen = expected[1]["_id"].as_str().expect("an id");
    person.delete(&format!("/v1/posts/{last_seen}")).await;
    let second = person
        .get_json(&format!("/v1/posts?limit=2&cursor={cursor}"))
        .await;
    assert_eq!(second["posts"], json!(expected[2..]));
    assert_eq!(second["nextCursor"], Value::Null);
}

#[tokio::test]
async fn older_clients_leaf_by_page() {
    let stage = Stage::new().await;
    let person = stage.person();
    let expected = write(&person, 7).await;

    for path in ["/v1/posts", "/v1/posts/getall-posts"] {
        let mut seen = Vec::new();
        for page in 1..=3 {
            let list = person
                .get_json(&format!("{path}?page={page}&limit=3"))
                .await;
            assert_eq!(list["currentPage"], page);
            assert_eq!(list["totalPages"], 3);
            seen.extend(list["posts"].as_array().expect("posts").clone());
        }
        assert_eq!(seen, expected);
    }
    let behind = person.get_json("/v1/posts?page=4&limit=3").await;
    assert_eq!(
        (&behind["posts"], &behind["nextCursor"]),
        (&json!([]), &Value::Null)
    );
}

#[tokio::test]
async fn the_next_page_is_linked() {
    let stage = Stage::new().await;
    let person = stage.person();
    write(&person, 3).await;

    let response = person.get("/v1/posts?limit=2").await;
    let link = response.headers()["link"]
        .to_str()
        .expect("text")
        .to_owned();
    let list: Value = response.json().await.expect("JSON");
    let cursor = list["nextCursor"].as_str().expect("a cursor");
    assert_eq!(
        link,
        format!(r#"</v1/posts?limit=2&cursor={cursor}>; rel="next""#)
    );

    let last = person
        .get(&format!("/v1/posts?limit=2&cursor={cursor}"))
        .await;
    assert!(last.headers().get("link").is_none());
}

#[tokio::test]
async fn a_list_of_one_user_has_their_posts_alone() {
    let stage = Stage::new().await;
    let (one, other) = (stage.person(), stage.person());
    let expected = write(&one, 5).await;
    write(&other, 3).await;

    let list = format!("/v1/posts?user={}&limit=2", one.id);
    let mut path = list.clone();
    let mut seen = Vec::new();
    for page in 1..=3 {
        let response = other.get(&path).await;
        let link = response.headers().get("link").cloned();
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(
            (
                &answer["currentPage"],
                &answer["totalPages"],
                &answer["totalPosts"]
            ),
            (&json!(page), &json!(3), &json!(5))
        );
        seen.extend(answer["posts"].as_array().expect("posts").clone());
        if let Some(cursor) = answer["nextCursor"].as_str() {
            path = format!("{list}&cursor={cursor}");
            let expected = format!("<{path}>; rel=\"next\"");
            assert_eq!(link.expect("a link"), *expected);
        }
    }
    assert_eq!(seen, expected);
    let second = other.get_json(&format!("{list}&page=2")).await;
    assert_eq!(second["posts"], json!(expected[2..4]));
}

#[tokio::test]
async fn a_cursor_leads_through_its_own_list_alone() {
    let stage = Stage::new().await;
    let (one, other) = (stage.person(), stage.person());
    write(&one, 3).await;
    write(&other, 3).await;
    let cursor_of = async |list: &str| {
        let page = one.get_json(list).await;
        page["nextCursor"].as_str().expect("a cursor").to_owned()
    };
    let of = |person: &Person| format!("/v1/posts?limit=1&user={}", person.id);
    let all = "/v1/posts?limit=1".to_owned();
    let lists = [all, of(&one), of(&other)];
    for from in &lists {
        let cursor = cursor_of(from).await;
        for to in &lists {
            let response = one.get(&format!("{to}&cursor={cursor}")).await;
            if from == to {
                assert_eq!(response.status(), 200);
            } else {
                assert_problem(response, 422, "invalid_cursor").await;
            }
        }
    }
}

#[tokio::test]
async fn a_users_posts_are_counted_up_to_10_000() {
    let stage = Stage::new().await;
    let person = stage.person();
    let user = ObjectId::parse_str(&person.id).expect("an id");
    let documents = (0..10_050).map(|n| document(user, n));
    let posts = stage.database().await.collection::<Document>("posts");
    posts.insert_many(documents).await.expect("an insert");

    let list = format!("/v1/posts?user={}&limit=100", person.id);
    let first = person.get_json(&list).await;
    assert_eq!(
        (&first["totalPosts"], &first["totalPages"]),
        (&json!(10_000), &json!(100))
    );
    // A cursor goes on where the count ends.
    let last = person.get_json(&format!("{list}&page=101")).await;
    assert_eq!(last["posts"].as_array().map(Vec::len), Some(50));
}

#[tokio::test]
async fn a_page_reads_what_it_shows_and_no_more() {
    let stage = Stage::new().await;
    let people = [stage.person(), stage.person()];
    let users = people
        .each_ref()
        .map(|person| ObjectId::parse_str(&person.id).expect("an id"));
    // Some are of the same millisecond, so a cursor has to find its place among them.
    let documents = (0..4000_i64).map(|n| document(users[usize::from(n % 2 == 0)], n / 5));
    let database = stage.database().await;
    let posts = database.collection::<Document>("posts");
    posts.insert_many(documents).await.expect("an insert");
    database
        .run_command(doc! { "profile": 2 })
        .await
        .expect("a profile");

    for list in [
        "/v1/posts?limit=50".to_owned(),
        format!("/v1/posts?limit=50&user={}", people[0].id),
    ] {
        let mut path = list.clone();
        for _ in 0..30 {
            let page = people[1].get_json(&path).await;
            assert_eq!(page["posts"].as_array().map(Vec::len), Some(50));
            let cursor = page["nextCursor"].as_str().expect("a cursor");
            path = format!("{list}&cursor={cursor}");
        }
    }
    let profile = database.collection::<Document>("system.profile");
    // The relay looks for changes to announce, too.
    let find = profile.find(doc! { "command.find": "posts", "command.sort.createdAt": -1 });
    let finds: Vec<_> = find
        .await
        .expect("finds")
        .try_collect()
        .await
        .expect("finds");
    assert_eq!(finds.len(), 60);
    for find in finds {
        // One more than is shown, and those of the cursor's own millisecond that were shown before.
        let examined = find.get_i32("docsExamined").expect("a number");
        assert!(examined <= 51 + 5, "{find}");
        assert!(!find.get_bool("hasSortStage").unwrap_or_default(), "{find}");
    }
}

fn document(user: ObjectId, millisecond: i64) -> Document {
    let time = DateTime::from_millis(1_794_472_200_000 + millisecond);
    doc! {
        "_id": ObjectId::new(),
        "user": user,
        "content": "a",
        "mediaIds": [],
        "createdAt": time,
        "updatedAt": time,
        "version": 1_i64,
    }
}
