//! Many updates in one call, each on its own.

use database::{Update, update_each};
use mongodb::bson::{Document, doc};

use crate::connected;

#[tokio::test]
async fn each_update_takes_place_or_is_refused_on_its_own_and_in_order() {
    let notes = connected().await.collection::<Document>("notes");
    let newer = |id: i32, version: i32| {
        let older = doc! { "_id": id, "version": { "$lt": version } };
        Update::one(older, doc! { "$set": { "version": version } }).or_insert()
    };
    let updates = vec![
        newer(1, 1),
        newer(1, 3),
        // Older than what is there by then, so that it would insert the same again.
        newer(1, 2),
        Update::one(doc! { "_id": 1 }, doc! { "$rename": "nonsense" }),
        newer(2, 1),
        Update::many(doc! {}, vec![doc! { "$set": { "seen": "$version" } }]),
        Update::one(doc! { "_id": 3 }, doc! { "$set": { "version": 1 } }),
    ];

    let outcomes = update_each("note", &notes, updates)
        .await
        .expect("an answer");
    let refused: Vec<_> = outcomes.iter().map(Result::is_err).collect();
    assert_eq!(refused, [false, false, true, true, false, false, false]);
    let is_duplicate = |index: usize| {
        let refused = outcomes[index].as_ref().expect_err("refused");
        refused.is_duplicate_key()
    };
    assert!(is_duplicate(2) && !is_duplicate(3));

    let seen = doc! { "$or": [{ "_id": 1, "seen": 3 }, { "_id": 2, "seen": 1 }] };
    assert_eq!(notes.count_documents(seen).await.expect("a count"), 2);
    assert_eq!(notes.count_documents(doc! {}).await.expect("a count"), 2);
}

#[tokio::test]
async fn no_updates_ask_for_nothing() {
    let notes = connected().await.collection::<Document>("notes");

    let outcomes = update_each("note", &notes, Vec::new()).await;
    assert_eq!(outcomes.expect("nothing went wrong"), []);
}
