//! A request under a key takes place once, whatever happens to those that send it.

use database::idempotency::{Begin, Guard, Idempotency, Stored};
use futures::future::join_all;
use mongodb::Database;
use mongodb::bson::{DateTime, Document, doc};

use crate::connected;

const SCOPE: &str = "create post";
const OWNER: &str = "673301c8e4b0a1b2c3d4e5f6";
const KEY: &str = "key-1";
const REQUEST: &[u8] = b"hello";

struct Stage {
    database: Database,
    idempotency: Idempotency,
}

impl Stage {
    async fn new() -> Self {
        let database = connected().await;
        let idempotency = Idempotency::new(&database);
        idempotency.prepare().await.expect("an index");

        Self {
            database,
            idempotency,
        }
    }

    async fn begin(&self, key: &str, request: &[u8]) -> Begin {
        let begun = self.idempotency.begin(SCOPE, OWNER, key, request);
        begun.await.expect("an answer")
    }

    async fn claim(&self) -> Guard {
        fresh(self.begin(KEY, REQUEST).await)
    }

    /// As time does when nobody renews the lease.
    async fn let_the_lease_run_out(&self) {
        let past = doc! { "$set": { "leaseUntil": DateTime::from_millis(0) } };
        let claims = self.database.collection::<Document>("idempotency");
        claims.update_many(doc! {}, past).await.expect("an update");
    }
}

fn fresh(begin: Begin) -> Guard {
    match begin {
        Begin::Fresh(guard) => guard,
        other => panic!("not fresh: {other:?}"),
    }
}

fn answer(body: &str) -> Stored {
    Stored {
        status: 201,
        location: Some("/v1/posts/1".to_owned()),
        body: body.to_owned(),
    }
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_again() {
    let stage = Stage::new().await;
    stage.claim().await.finish(&answer("{}")).await;

    for _ in 0..2 {
        match stage.begin(KEY, REQUEST).await {
            Begin::Replay(stored) => assert_eq!(stored, answer("{}")),
            other => panic!("no replay: {other:?}"),
        }
    }
}

#[tokio::test]
async fn another_request_under_the_key_differs_before_and_after_the_answer() {
    let stage = Stage::new().await;
    let guard = stage.claim().await;
    assert!(matches!(stage.begin(KEY, b"bye").await, Begin::Differs));

    guard.finish(&answer("{}")).await;
    assert!(matches!(stage.begin(KEY, b"bye").await, Begin::Differs));
}

#[tokio::test]
async fn other_keys_owners_and_scopes_are_other_claims() {
    let stage = Stage::new().await;
    let _first = stage.claim().await;

    fresh(stage.begin("key-2", REQUEST).await);
    for (scope, owner) in [("upload", OWNER), (SCOPE, "somebody else")] {
        let begun = stage.idempotency.begin(scope, owner, KEY, b"other").await;
        fresh(begun.expect("an answer"));
    }
}

#[tokio::test]
async fn of_many_at_once_one_takes_place() {
    let stage = Stage::new().await;
    for round in 0..20 {
        let key = format!("key-{round}");
        let begun = join_all((0..16).map(|_| stage.begin(&key, REQUEST))).await;
        let count = |is: fn(&Begin) -> bool| begun.iter().filter(|begin| is(begin)).count();

        assert_eq!(count(|begin| matches!(begin, Begin::Fresh(_))), 1);
        assert_eq!(count(|begin| matches!(begin, Begin::Busy)), 15);
    }
}

#[tokio::test]
async fn a_claim_whose_holder_died_is_taken_over_with_its_subject() {
    let stage = Stage::new().await;
    let dead = stage.claim().await;
    assert!(matches!(stage.begin(KEY, REQUEST).await, Begin::Busy));

    stage.let_the_lease_run_out().await;
    assert!(matches!(stage.begin(KEY, b"bye").await, Begin::Differs));
    let heir = stage.claim().await;
    assert_eq!(heir.subject(), dead.subject());

    // It was only thought dead: what it says counts no more, and it takes nothing away.
    dead.finish(&answer("late")).await;
    assert!(matches!(stage.begin(KEY, REQUEST).await, Begin::Busy));
    heir.finish(&answer("in time")).await;
    match stage.begin(KEY, REQUEST).await {
        Begin::Replay(stored) => assert_eq!(stored, answer("in time")),
        other => panic!("no replay: {other:?}"),
    }
}

#[tokio::test]
async fn a_claim_that_was_let_go_is_free_at_once() {
    let stage = Stage::new().await;
    let first = stage.claim().await;
    let subject = first.subject();
    drop(first);

    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    let second = loop {
        match stage.begin(KEY, REQUEST).await {
            Begin::Fresh(guard) => break guard,
            Begin::Busy => assert!(tokio::time::Instant::now() < deadline, "still held"),
            other => panic!("neither free nor held: {other:?}"),
        }
    };
    assert_eq!(second.subject(), subject);
}

#[tokio::test]
async fn an_answer_without_bound_is_not_kept() {
    let stage = Stage::new().await;
    let long = answer(&"a".repeat(64 * 1024 + 1));
    stage.claim().await.finish(&long).await;

    let begun = stage.begin(KEY, REQUEST).await;
    assert!(matches!(begun, Begin::Fresh(_) | Begin::Busy), "{begun:?}");
}

#[tokio::test]
async fn keys_are_forgotten_after_an_hour() {
    let stage = Stage::new().await;
    stage.idempotency.prepare().await.expect("no conflict");
    let claims = stage.database.collection::<Document>("idempotency");
    let _guard = stage.claim().await;

    let indexes = stage
        .database
        .run_command(doc! { "listIndexes": "idempotency" })
        .await
        .expect("indexes");
    let text = indexes.to_string();
    assert!(text.contains("\"expireAfterSeconds\": 3600"), "{text}");
    let claim = claims.find_one(doc! {}).await.expect("an answer");
    let claim = claim.expect("a claim");
    assert!(claim.get_datetime("claimedAt").is_ok(), "{claim}");
}
