//! The searchable copy of posts in MongoDB.

use std::time::Duration;

use database::{CallError, call, is_duplicate_key};
use events::{PostCreated, PostUpdated};
use futures::TryStreamExt;
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};

use crate::document::{Found, Limit, PostId, Words};

/// A search that the database has not finished by then is given up there too.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(3);
/// For so long, an event that is late cannot bring a deleted post back.
const TOMBSTONE_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[derive(Clone)]
pub struct Store {
    posts: Collection<Document>,
    tombstones: Collection<Tombstone>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: String,
    content: String,
    created_at: DateTime,
    updated_at: DateTime,
    /// Added by the database to what it finds.
    #[serde(default, skip_serializing)]
    score: f64,
}

/// What is left of a deleted post, in the same collection.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tombstone {
    deleted_at: DateTime,
}

impl Store {
    pub fn new(database: &Database) -> Self {
        Self {
            posts: database.collection("posts"),
            tombstones: database.collection("posts"),
        }
    }

    pub async fn create_indexes(&self) -> Result<(), CallError> {
        let words = IndexModel::builder()
            .keys(doc! { "content": "text" })
            .build();
        let expiry = IndexOptions::builder()
            .expire_after(TOMBSTONE_LIFETIME)
            .build();
        let deleted = IndexModel::builder()
            .keys(doc! { "deletedAt": 1 })
            .options(expiry)
            .build();
        let create = self.posts.create_indexes([words, deleted]);
        call("create the indexes of posts", create).await?;

        Ok(())
    }

    /// Adds a post, unless it or its tombstone is there.
    pub async fn add(&self, id: PostId, post: PostCreated) -> Result<(), CallError> {
        let created_at = bson_time(post.created_at);
        let new = doc! {
            "userId": post.user_id,
            "content": post.content,
            "createdAt": created_at,
            "updatedAt": created_at,
        };
        let add = self
            .posts
            .update_one(doc! { "_id": object_id(&id) }, doc! { "$setOnInsert": new })
            .upsert(true);
        call("add a post", add).await?;

        Ok(())
    }

    /// Puts a changed post in the place of an older version, unless its tombstone is there.
    pub async fn change(&self, id: PostId, post: PostUpdated) -> Result<(), CallError> {
        let version = i64::try_from(post.version).unwrap_or(i64::MAX);
        let older = doc! {
            "_id": object_id(&id),
            "version": { "$not": { "$gte": version } },
            "deletedAt": { "$exists": false },
        };
        let new = doc! { "$set": {
            "userId": post.user_id,
            "content": post.content,
            "createdAt": bson_time(post.created_at),
            "updatedAt": bson_time(post.updated_at),
            "version": version,
        } };
        for _ in 0..2 {
            let change = self.posts.update_one(older.clone(), new.clone());
            match call("change a post", change.upsert(true)).await {
                // Something else is there: the post itself when it was added at this moment, and then there is something
                // to change the next time; otherwise the tombstone or a version that is as new.
                Err(CallError::Failed { source, .. }) if is_duplicate_key(&source) => {}
                changed => return changed.map(drop),
            }
        }

        Ok(())
    }

    /// Leaves a tombstone, whether the post is there or not.
    pub async fn remove(&self, id: PostId) -> Result<(), CallError> {
        let tombstone = Tombstone {
            deleted_at: bson_time(Timestamp::now()),
        };
        let replace = self
            .tombstones
            .replace_one(doc! { "_id": object_id(&id) }, tombstone)
            .upsert(true);
        call("remove a post", replace).await?;

        Ok(())
    }

    /// Best first, then newest first. A tombstone has no words and is never found.
    pub async fn search(&self, words: &Words, limit: Limit) -> Result<Vec<Found>, CallError> {
        let score = doc! { "$meta": "textScore" };
        let find = self
            .posts
            .find(doc! { "$text": { "$search": words.as_str() } })
            .projection(doc! { "score": score.clone() })
            .sort(doc! { "score": score, "createdAt": -1, "_id": -1 })
            .limit(limit.get().into())
            .max_time(SEARCH_TIMEOUT);
        let found: Vec<_> = call("search posts", async { find.await?.try_collect().await }).await?;

        Ok(found.into_iter().map(Found::from).collect())
    }
}

impl From<Document> for Found {
    fn from(document: Document) -> Self {
        let id = document.id.to_hex();
        Self {
            id: id.clone(),
            post_id: id,
            user_id: document.user_id,
            content: document.content,
            created_at: time(document.created_at),
            updated_at: time(document.updated_at),
            score: document.score,
        }
    }
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
