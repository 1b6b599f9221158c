//! Posts in MongoDB.
//!
//! A post that is deleted is marked `deletedAt` before that is announced and the post removed: nobody is shown such a
//! post, and nobody changes it any more.

mod account;
mod files;
mod indexes;
mod list;
mod outbox;

use database::{CallError, call, is_duplicate_key};
use events::Origin;
use futures::TryStreamExt;
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{self, DateTime, doc};
use mongodb::options::{Acknowledgment, CollectionOptions, ReturnDocument, WriteConcern};
use mongodb::{Collection, Database};
use serde::{Deserialize, Serialize};

use crate::post::{Draft, Edit, Id, Post, now};
use crate::store::account::GoneUser;
use crate::store::outbox::PendingDocument;

pub use crate::store::outbox::{BATCH, Backlog, Pending};

#[derive(Clone)]
pub struct Store {
    posts: Collection<Document>,
    /// The same posts, for writes that may be lost.
    unsafely: Collection<Document>,
    gone_users: Collection<GoneUser>,
}

/// A post, how often it was changed, and whether the last change is to be announced.
#[derive(Debug, Clone)]
pub struct Stored {
    pub post: Post,
    /// The first is 1.
    pub version: u64,
    pub is_deleted: bool,
    pub pending: Option<Pending>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "_id")]
    id: ObjectId,
    user: ObjectId,
    content: String,
    media_ids: Vec<ObjectId>,
    created_at: DateTime,
    updated_at: DateTime,
    version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<PendingDocument>,
}

/// Finds out only that something is there.
#[derive(Debug, Deserialize)]
struct OnlyId {
    #[serde(rename = "_id")]
    id: ObjectId,
}

impl Store {
    pub fn new(database: &Database) -> Self {
        let by_one = WriteConcern::builder().w(Acknowledgment::Nodes(1)).build();
        let by_one = CollectionOptions::builder().write_concern(by_one).build();

        Self {
            posts: database.collection("posts"),
            unsafely: database.collection_with_options("posts", by_one),
            gone_users: database.collection("goneUsers"),
        }
    }

    /// A post with this id that is there already was written by an earlier try, and is what is returned then.
    pub async fn insert(&self, id: Id, draft: Draft, origin: Origin) -> Result<Stored, CallError> {
        let now = now();
        let post = Post {
            id,
            user: draft.author,
            content: draft.content.into_string(),
            media_ids: draft.media_ids.into_ids(),
            created_at: now,
            updated_at: now,
        };
        let stored = Stored {
            post,
            version: 1,
            is_deleted: false,
            pending: Some(Pending::of(origin)),
        };
        let insert = self.posts.insert_one(Document::from(&stored));
        match call("insert a post", insert).await {
            Ok(_) => Ok(stored),
            Err(CallError::Failed { source, doing }) if is_duplicate_key(&source) => {
                let found = self.posts.find_one(doc! { "_id": object_id(id) });
                let found = call("find a post that was tried before", found).await?;

                found
                    .map(Stored::from)
                    .ok_or(CallError::Failed { source, doing })
            }
            Err(error) => Err(error),
        }
    }

    pub async fn find(&self, id: Id) -> Result<Option<Post>, CallError> {
        let shown = doc! { "_id": object_id(id), "deletedAt": null };
        let found = call("find a post", self.posts.find_one(shown)).await?;

        Ok(found.map(|document| Stored::from(document).post))
    }

    /// Changes a post of this author, and returns what it is then.
    pub async fn update(
        &self,
        id: Id,
        author: Id,
        edit: Edit,
        origin: Origin,
    ) -> Result<Option<Stored>, CallError> {
        let mut set = doc! { "pending": &Pending::of(origin) };
        if let Some(content) = edit.content {
            set.insert("content", content.into_string());
        }
        if let Some(media_ids) = edit.media_ids {
            set.insert("mediaIds", object_ids(media_ids.as_ids()));
        }
        // Another process may have a clock that is ahead; the time of the last change never goes back.
        let change = doc! {
            "$set": set,
            "$max": { "updatedAt": bson_time(now()) },
            "$inc": { "version": 1_i64 },
        };
        let updated = self
            .posts
            .find_one_and_update(of_author(id, author), change)
            .return_document(ReturnDocument::After);

        Ok(call("change a post", updated).await?.map(Stored::from))
    }

    /// Deletes a post of this author: nobody is shown it any more, and it goes once that is announced.
    pub async fn delete(
        &self,
        id: Id,
        author: Id,
        origin: Origin,
    ) -> Result<Option<Stored>, CallError> {
        let deleted = self
            .posts
            .find_one_and_update(of_author(id, author), deletion(origin))
            .return_document(ReturnDocument::After);

        Ok(call("delete a post", deleted).await?.map(Stored::from))
    }

    /// The ids of some posts.
    async fn ids(
        &self,
        filter: bson::Document,
        sort: bson::Document,
        limit: i64,
    ) -> mongodb::error::Result<Vec<ObjectId>> {
        let posts = self.posts.clone_with_type::<OnlyId>();
        let found = posts
            .find(filter)
            .projection(doc! { "_id": 1 })
            .sort(sort)
            .limit(limit)
            .await?;

        found.map_ok(|OnlyId { id }| id).try_collect().await
    }
}

/// What makes a post a deleted one.
fn deletion(origin: Origin) -> bson::Document {
    doc! {
        "$set": { "deletedAt": DateTime::now(), "pending": &Pending::of(origin) },
        "$inc": { "version": 1_i64 },
    }
}

fn of_author(id: Id, author: Id) -> bson::Document {
    doc! { "_id": object_id(id), "user": object_id(author), "deletedAt": null }
}

impl From<ObjectId> for Id {
    fn from(id: ObjectId) -> Self {
        id.bytes().into()
    }
}

impl From<&Stored> for Document {
    /// Of a post that is not deleted.
    fn from(stored: &Stored) -> Self {
        let Stored {
            post,
            version,
            pending,
            ..
        } = stored;

        Self {
            id: object_id(post.id),
            user: object_id(post.user),
            content: post.content.clone(),
            media_ids: object_ids(&post.media_ids),
            created_at: bson_time(post.created_at),
            updated_at: bson_time(post.updated_at),
            version: i64::try_from(*version).unwrap_or(i64::MAX),
            deleted_at: None,
            pending: pending.as_ref().map(PendingDocument::from),
        }
    }
}

impl From<Document> for Stored {
    fn from(document: Document) -> Self {
        Self {
            post: Post {
                id: document.id.into(),
                user: document.user.into(),
                content: document.content,
                media_ids: document.media_ids.into_iter().map(Id::from).collect(),
                created_at: time(document.created_at),
                updated_at: time(document.updated_at),
            },
            version: u64::try_from(document.version).unwrap_or_default(),
            is_deleted: document.deleted_at.is_some(),
            pending: document.pending.map(Pending::from),
        }
    }
}

fn object_id(id: Id) -> ObjectId {
    ObjectId::from_bytes(id.bytes())
}

fn object_ids(ids: &[Id]) -> Vec<ObjectId> {
    ids.iter().copied().map(object_id).collect()
}

fn bson_time(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}

fn time(time: DateTime) -> Timestamp {
    // MongoDB's range of times is wider; what lies outside of ours was not written by this service.
    Timestamp::from_millisecond(time.timestamp_millis()).unwrap_or(Timestamp::UNIX_EPOCH)
}
