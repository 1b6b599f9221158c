//! Words that very many posts have.

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use mongodb::{Client, Database};
use test_kit::{database_url, rabbitmq_url};

use crate::stage::Stage;

const POSTS: i64 = 50_000;
/// Old ones that have something of their own.
const ANCHOR: i64 = 7;
const STORM: i64 = 40_000;

#[tokio::test]
async fn what_a_search_looks_at_does_not_grow_with_the_posts() {
    let url = database_url();
    let stage = Stage::with(&url, &rabbitmq_url()).await;
    let database = database(&url).await;
    fill(&database).await;
    database
        .run_command(doc! { "profile": 2 })
        .await
        .expect("a profile");

    // All of them fit equally well.
    assert_eq!(stage.texts("sea ").await, newest(|_| true));
    assert_eq!(looked_at(&database).await, 1_010);
    // A rare word decides, and common ones beside it count.
    let found = stage.texts("sea anchor ").await;
    assert_eq!(found[0], text(ANCHOR));
    assert_eq!(found[1..], newest(|_| true)[..9]);
    assert_eq!(looked_at(&database).await, 2 * 1_010 + 1);
    // Two common words that seldom come together.
    let found = stage.texts("wind rain ").await;
    assert_eq!(found[0], text(STORM));
    assert_eq!(found[1..], newest(|_| true)[..9]);
    assert!(looked_at(&database).await <= 2 * 1_010 + 1 + 12_020);
    // A beginning of a word counts as one more.
    assert_eq!(stage.texts("win").await, newest(|number| number % 2 == 1));
    assert!(looked_at(&database).await <= 3 * 1_010 + 1 + 12_020 + 50);
}

/// A post by its number, the higher the newer. Each has the word `sea`, and one of `wind` and `rain`.
fn text(number: i64) -> String {
    match number {
        ANCHOR => format!("sea anchor {number}"),
        STORM => format!("sea wind rain {number}"),
        odd if odd % 2 == 1 => format!("sea wind {odd}"),
        even => format!("sea rain {even}"),
    }
}

fn newest(wanted: impl Fn(i64) -> bool) -> Vec<String> {
    let newest = (0..POSTS).rev().filter(|number| wanted(*number));

    newest.take(10).map(text).collect()
}

async fn database(url: &str) -> Database {
    let client = Client::with_uri_str(url).await.expect("a client");

    client.default_database().expect("a database")
}

/// Through events it would take a minute.
async fn fill(database: &Database) {
    let author = ObjectId::new().to_hex();
    let posts: Vec<_> = (0..POSTS)
        .map(|number| {
            let content = text(number);
            let created_at = DateTime::from_millis(1_794_472_200_000 + number);
            let terms: Vec<_> = content.split(' ').map(str::to_owned).collect();
            doc! {
                "_id": ObjectId::new(),
                "userId": &author,
                "content": content,
                "terms": terms,
                "createdAt": created_at,
                "updatedAt": created_at,
                "version": 1_i64,
            }
        })
        .collect();
    let collection = database.collection::<Document>("posts");
    collection.insert_many(posts).await.expect("posts");
    let words = ["wind", "window"].map(|word| {
        doc! { "_id": word, "beginnings": ["win"], "length": i32::try_from(word.len()).expect("short") }
    });
    let collection = database.collection::<Document>("words");
    collection.insert_many(words).await.expect("words");
}

/// How many posts the database has looked at since the profile began.
async fn looked_at(database: &Database) -> i64 {
    let sum = [
        doc! { "$match": { "ns": format!("{}.posts", database.name()) } },
        doc! { "$group": { "_id": null, "posts": { "$sum": { "$toLong": "$docsExamined" } } } },
    ];
    let profile = database.collection::<Document>("system.profile");
    let mut sum = profile.aggregate(sum).await.expect("a sum");
    assert!(sum.advance().await.expect("a sum"), "nothing was looked at");

    sum.deserialize_current()
        .expect("a sum")
        .get_i64("posts")
        .expect("a number")
}
