//! The search engine in MongoDB: a copy of the posts, and an index of the words in them, newest first.

mod changes;
mod find;
mod indexes;
mod vocabulary;

use std::sync::Arc;
use std::time::Duration;

use database::{Batcher, CallError, call};
use futures::{FutureExt, TryStreamExt};
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use mongodb::{Collection, Database};
use serde::{Deserialize, Serialize};

use self::changes::{Change, Changes};
use self::vocabulary::Vocabulary;
use crate::document::{Limit, PostId};
use crate::engine::{Answer, Engine, EngineError, Hit, Post};
use crate::words::Words;

/// A search that the database has not finished by then is given up there too.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(3);
/// So many posts are forgotten at a time: deleting from the index of words takes time.
const BATCH: i64 = 500;

#[derive(Clone)]
pub struct Store {
    posts: Collection<StoredPost>,
    /// `{_id: <user id>, deletedAt}` of authors that are gone.
    authors: Collection<Document>,
    vocabulary: Vocabulary,
    changes: Batcher<Change, Result<(), EngineError>>,
}

/// What is left of a deleted post, in the same collection, is its `_id` and `deletedAt`. It has no words and is never
/// found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredPost {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: String,
    content: String,
    created_at: DateTime,
    updated_at: DateTime,
    version: i64,
}

impl Store {
    pub fn new(database: &Database) -> Self {
        let vocabulary = Vocabulary::new(database);
        let changes = Arc::new(Changes::new(database, vocabulary.clone()));

        Self {
            posts: database.collection("posts"),
            authors: database.collection("authors"),
            vocabulary,
            changes: Batcher::new(changes::AT_ONCE, move |some| {
                let changes = changes.clone();
                async move { changes.make(some).await }
            }),
        }
    }

    /// Those that were last put before `seenAt` was ever noted count as not seen.
    async fn forget_unseen(&self, before: Timestamp) -> Result<u64, CallError> {
        let unseen = doc! {
            "deletedAt": { "$exists": false },
            "seenAt": { "$not": { "$gte": bson_time(before) } },
        };
        let (mut dropped, mut last) = (0, ObjectId::from_bytes([0; 12]));
        loop {
            let next = self.ids(doc! { "_id": { "$gt": last } }, doc! { "_id": 1 });
            let ids = call("look through the posts", next).await?;
            let Some(end) = ids.last() else {
                return Ok(dropped);
            };
            last = *end;
            // Asked again: what is announced meanwhile stays. And without a tombstone: what is announced later comes back.
            let mut some = unseen.clone();
            some.insert("_id", doc! { "$in": ids });
            let forgotten = call(
                "forget posts that were not seen",
                self.posts.delete_many(some),
            );
            dropped += forgotten.await?.deleted_count;
        }
    }

    async fn forget_author(&self, user_id: String) -> Result<(), CallError> {
        let gone = doc! { "$setOnInsert": { "deletedAt": DateTime::now() } };
        let author = self.authors.update_one(doc! { "_id": &user_id }, gone);
        call("remember an author's end", author.upsert(true)).await?;

        loop {
            let some = self.ids(doc! { "userId": &user_id }, doc! {});
            let ids = call("find an author's posts", some).await?;
            if ids.is_empty() {
                return Ok(());
            }
            self.bury(doc! { "_id": { "$in": ids } }).await?;
        }
    }

    /// The ids of some posts, tombstones among them.
    async fn ids(&self, filter: Document, sort: Document) -> mongodb::error::Result<Vec<ObjectId>> {
        let posts = self.posts.clone_with_type::<Document>();
        let found = posts
            .find(filter)
            .projection(doc! { "_id": 1 })
            .sort(sort)
            .limit(BATCH)
            .await?;
        let found: Vec<_> = found.try_collect().await?;
        let ids = found
            .iter()
            .filter_map(|post| post.get_object_id("_id").ok());

        Ok(ids.collect())
    }

    /// Turns posts into tombstones.
    async fn bury(&self, posts: Document) -> Result<(), CallError> {
        let bury = self.posts.update_many(posts, vec![tombstone()]);
        call("remove posts", bury).await?;

        Ok(())
    }
}

impl Engine for Store {
    fn prepare(&self) -> Answer<'_, ()> {
        async { Ok(self.create_indexes().await?) }.boxed()
    }

    fn put(&self, post: Post) -> Answer<'_, ()> {
        self.changes.run(Change::Put(post)).boxed()
    }

    fn remove(&self, id: PostId, user_id: String) -> Answer<'_, ()> {
        self.changes.run(Change::Remove { id, user_id }).boxed()
    }

    fn remove_author(&self, user_id: String) -> Answer<'_, ()> {
        async { Ok(self.forget_author(user_id).await?) }.boxed()
    }

    fn drop_unseen(&self, before: Timestamp) -> Answer<'_, u64> {
        async move { Ok(self.forget_unseen(before).await?) }.boxed()
    }

    fn find<'a>(&'a self, words: &'a Words, limit: Limit) -> Answer<'a, Vec<Hit>> {
        async move { Ok(self.search(words, limit).await?) }.boxed()
    }
}

impl StoredPost {
    fn hit(self, score: f64) -> Hit {
        let id = self.id.to_hex();
        Hit {
            post: Post {
                id: PostId::parse(&id).expect("an object id is 24 hex digits"),
                user_id: self.user_id,
                content: self.content,
                created_at: time(self.created_at),
                updated_at: time(self.updated_at),
                version: self.version.unsigned_abs(),
            },
            score,
        }
    }
}

impl From<CallError> for EngineError {
    fn from(error: CallError) -> Self {
        Arc::new(error).into()
    }
}

/// Of a call that was made for several.
impl From<Arc<CallError>> for EngineError {
    fn from(error: Arc<CallError>) -> Self {
        if error.is_unavailable() {
            Self::Away(Box::new(error))
        } else {
            Self::Failed(Box::new(error))
        }
    }
}

/// A step of a pipeline that leaves nothing of a post.
fn tombstone() -> Document {
    doc! { "$replaceWith": { "_id": "$_id", "deletedAt": "$$NOW" } }
}

fn object_id(id: &PostId) -> ObjectId {
    ObjectId::parse_str(id.as_str()).expect("an id is 24 hex digits")
}

fn bson_time(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}

fn time(time: DateTime) -> Timestamp {
    // MongoDB's range of times is wider; what lies outside of ours was not written by this service.
    Timestamp::from_millisecond(time.timestamp_millis()).unwrap_or(Timestamp::UNIX_EPOCH)
}
