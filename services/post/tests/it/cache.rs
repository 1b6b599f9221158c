//! Pages are kept, and nobody sees one from before their own write.

use std::time::{Duration, Instant};

use futures::future::join_all;
use mongodb::bson::{Bson, Document, doc};
use serde_json::{Value, json};
use test_kit::{Proxy, redis_url};

use crate::stage::{Person, Stage, Stores, config, id, path};

const LIST: &str = "/v1/posts?limit=100";

async fn listed(person: &Person, list: &str, post: &Value) -> Option<Value> {
    let page = person.get_json(list).await;
    let posts = page["posts"].as_array().expect("posts").clone();

    posts.into_iter().find(|listed| id(listed) == id(post))
}

/// Changes every post behind the service's back, which tells a kept page from a new one.
async fn change_all(stage: &Stage, content: &str) {
    let posts = stage.database().await.collection::<Document>("posts");
    let change = doc! { "$set": { "content": content } };
    posts.update_many(doc! {}, change).await.expect("an update");
}

async fn first_content(person: &Person) -> Value {
    person.get_json(LIST).await["posts"][0]["content"].clone()
}

#[tokio::test]
async fn a_page_is_read_once_for_all_replicas_until_a_write() {
    let stage = Stage::new().await;
    let replica = stage.replica().await;
    let person = stage.person();
    let other = person.at(&replica);
    person.write("written").await;
    // A process trusts no generation from before its start, so both have to ask once.
    assert_eq!(first_content(&other).await, "written");
    assert_eq!(first_content(&person).await, "written");

    change_all(&stage, "changed").await;
    assert_eq!(first_content(&person).await, "written");
    assert_eq!(first_content(&other).await, "written");
    person.write("next").await;
    let page = other.get_json(LIST).await;
    assert_eq!(page["posts"][1]["content"], "changed");
}

#[tokio::test]
async fn own_writes_are_seen_at_once_at_every_replica() {
    let stage = Stage::new().await;
    let replica = stage.replica().await;
    let writers = (0..8).map(async |number| {
        let here = stage.person();
        let there = here.at(&replica);
        let own = format!("/v1/posts?user={}", here.id);
        for round in 0..12 {
            let (writer, reader) = if (number + round) % 2 == 0 {
                (&here, &there)
            } else {
                (&there, &here)
            };
            let post = writer.write("first").await;
            for list in [LIST, &own] {
                assert_eq!(listed(reader, list, &post).await, Some(post.clone()));
            }
            let edit = json!({"content": "second"});
            assert_eq!(writer.patch(&path(&post), &edit).await.status(), 200);
            for list in [LIST, &own] {
                let seen = listed(reader, list, &post).await.expect("the post");
                assert_eq!(seen["content"], "second");
            }
            assert_eq!(writer.delete(&path(&post)).await.status(), 200);
            for list in [LIST, &own] {
                assert_eq!(listed(reader, list, &post).await, None);
            }
        }
    });

    join_all(writers).await;
}

#[tokio::test]
async fn without_redis_everything_is_answered_and_own_writes_are_seen() {
    let redis = Proxy::open(&redis_url()).await;
    let stage = Stage::with(Stores {
        redis: redis.url.clone(),
        ..Stores::new()
    })
    .await;
    let started = Instant::now();
    let is_over = || started.elapsed() > Duration::from_secs(4);
    let writers = (0..8).map(async |_| {
        let person = stage.person();
        let own = format!("/v1/posts?user={}", person.id);
        let mut written = 0;
        while !is_over() {
            // `write` and `get_json` refuse any other answer than 201 and 200.
            let post = person.write("written").await;
            assert!(listed(&person, LIST, &post).await.is_some());
            assert_eq!(listed(&person, &own, &post).await, Some(post));
            written += 1;
        }
        written
    });
    let kill = async {
        while !is_over() {
            tokio::time::sleep(Duration::from_millis(300)).await;
            redis.cut();
            tokio::time::sleep(Duration::from_millis(300)).await;
            redis.reopen();
        }
        0
    };

    let (written, _) = tokio::join!(join_all(writers), kill);
    assert!(written.iter().sum::<u32>() > 50, "{written:?}");
}

#[tokio::test]
async fn a_write_that_redis_missed_is_told_when_it_is_back() {
    let redis = Proxy::open(&redis_url()).await;
    let stores = Stores::new();
    let direct = Stage::starting(config(&stores)).await.ready().await;
    let mut settings = direct.config.clone();
    settings.redis.redis_url = redis.url.clone().into();
    let cut_off = Stage::starting(settings).await.ready().await;
    let writer = cut_off.person();
    let reader = writer.at(&direct);
    writer.write("first").await;
    reader.get_json(LIST).await;
    writer.get_json(LIST).await;

    redis.cut();
    let post = writer.write("missed").await;
    assert!(
        listed(&writer, LIST, &post).await.is_some(),
        "its own replica knows"
    );
    redis.reopen();
    // Nobody asks the writer's replica for anything: it tells Redis by itself.
    let deadline = Instant::now() + Duration::from_secs(10);
    while listed(&reader, LIST, &post).await.is_none() {
        assert!(Instant::now() < deadline, "Redis was not told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_page_is_not_kept_for_longer_than_the_setting() {
    let mut settings = config(&Stores::new());
    settings.page_cache_ttl_seconds = 1;
    let stage = Stage::starting(settings).await.ready().await;
    let person = stage.person();
    person.write("written").await;
    assert_eq!(first_content(&person).await, "written");
    change_all(&stage, "changed").await;

    let deadline = Instant::now() + Duration::from_secs(10);
    while first_content(&person).await != "changed" {
        assert!(Instant::now() < deadline, "still kept");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn without_a_lifetime_no_page_is_kept() {
    let mut settings = config(&Stores::new());
    settings.page_cache_ttl_seconds = 0;
    let stage = Stage::starting(settings).await.ready().await;
    let person = stage.person();
    person.write("written").await;
    assert_eq!(first_content(&person).await, "written");

    change_all(&stage, "changed").await;
    assert_eq!(first_content(&person).await, "changed");
}

#[tokio::test]
async fn many_readers_of_a_new_page_are_few_reads_of_the_database() {
    let redis = Proxy::open(&redis_url()).await;
    let stage = Stage::with(Stores {
        redis: redis.url.clone(),
        ..Stores::new()
    })
    .await;
    let person = stage.person();
    person.write("written").await;
    let database = stage.database().await;
    database
        .run_command(doc! { "profile": 2 })
        .await
        .expect("a profile");

    let read = || join_all((0..100).map(|_| person.get_json(LIST)));
    read().await;
    let with = finds(&database).await;
    // One; and one more for each answer of Redis that a busy machine makes late.
    assert!((1..=5).contains(&with), "{with} with Redis");

    redis.cut();
    read().await;
    let without = finds(&database).await - with;
    assert!((1..=10).contains(&without), "{without} without Redis");
}

/// How often the list was read.
async fn finds(database: &mongodb::Database) -> u64 {
    let profile = database.collection::<Document>("system.profile");
    let namespace: Bson = format!("{}.posts", database.name()).into();
    let finds = doc! { "ns": namespace, "command.find": "posts" };

    profile.count_documents(finds).await.expect("a count")
}

#[tokio::test]
async fn pages_differ_by_all_that_is_asked_for() {
    let stage = Stage::new().await;
    let (one, two) = (stage.person(), stage.person());
    for number in 0..3 {
        one.write(&format!("one {number}")).await;
        two.write(&format!("two {number}")).await;
    }
    let own = |person: &Person| format!("/v1/posts?user={}", person.id);
    let lists = [
        ("/v1/posts".to_owned(), 6),
        ("/v1/posts?limit=4".to_owned(), 4),
        ("/v1/posts?limit=4&page=2".to_owned(), 2),
        (own(&one), 3),
        (format!("{}&limit=2", own(&two)), 2),
    ];
    for _ in 0..2 {
        for (list, count) in &lists {
            let page = one.get_json(list).await;
            assert_eq!(
                page["posts"].as_array().map(Vec::len),
                Some(*count),
                "{list}"
            );
        }
    }
    assert_ne!(
        one.get_json(&own(&one)).await,
        one.get_json(&own(&two)).await
    );
}
