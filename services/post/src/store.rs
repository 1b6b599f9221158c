//! Posts in MongoDB.

use database::{CallError, call};
use futures::TryStreamExt;
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, doc};
use mongodb::{Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};

use crate::page::{Limit, Start, skip};
use crate::post::{Content, Id, MediaIds, Post, now};

#[derive(Clone)]
pub struct Store {
    posts: Collection<Document>,
}

/// A post, and how often it was changed.
#[derive(Debug, Clone)]
pub struct Stored {
    pub post: Post,
    /// The first is 1.
    pub version: u64,
}

/// Part of the list.
#[derive(Debug)]
pub struct Page {
    pub posts: Vec<Post>,
    pub has_next: bool,
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
}

impl Store {
    pub fn new(database: &Database) -> Self {
        Self {
            posts: database.collection("posts"),
        }
    }

    pub async fn create_indexes(&self) -> Result<(), CallError> {
        let newest_first = IndexModel::builder()
            .keys(doc! { "createdAt": -1, "_id": -1 })
            .build();
        call(
            "create the index of posts",
            self.posts.create_index(newest_first),
        )
        .await?;

        Ok(())
    }

    pub async fn insert(
        &self,
        author: Id,
        content: Content,
        media_ids: MediaIds,
    ) -> Result<Stored, CallError> {
        let id = Id::from(ObjectId::new());
        let now = now();
        let post = Post {
            id,
            user: author,
            content: content.into_string(),
            media_ids: media_ids.into_ids(),
            created_at: now,
            updated_at: now,
        };
        let stored = Stored { post, version: 1 };
        call(
            "insert a post",
            self.posts.insert_one(Document::from(&stored)),
        )
        .await?;

        Ok(stored)
    }

    pub async fn find(&self, id: &Id) -> Result<Option<Post>, CallError> {
        let found = self.posts.find_one(doc! { "_id": object_id(id) });
        let found = call("find a post", found).await?;

        Ok(found.map(|document| Stored::from(document).post))
    }

    /// Removes a post of this author, and returns what it was.
    pub async fn delete(&self, id: &Id, author: &Id) -> Result<Option<Stored>, CallError> {
        let of_author = doc! { "_id": object_id(id), "user": object_id(author) };
        let deleted = call("delete a post", self.posts.find_one_and_delete(of_author)).await?;

        Ok(deleted.map(Stored::from))
    }

    /// Newest first; posts of the same millisecond by descending id.
    pub async fn page(&self, start: &Start, limit: Limit) -> Result<Page, CallError> {
        let wanted = limit.get() as usize;
        let (filter, skipped) = match start {
            Start::Page(page) => (doc! {}, skip(*page, limit)),
            Start::After(cursor) => {
                let created_at = bson_time(cursor.created_at);
                let earlier = doc! { "createdAt": { "$lt": created_at } };
                let same_time = doc! { "_id": { "$lt": object_id(&cursor.id) } };
                // The first condition is what bounds the walk over the index.
                let after = doc! {
                    "createdAt": { "$lte": created_at },
                    "$or": [earlier, same_time],
                };
                (after, 0)
            }
        };
        // One more than wanted tells whether there is a next page.
        let find = self
            .posts
            .find(filter)
            .sort(doc! { "createdAt": -1, "_id": -1 })
            .skip(skipped)
            .limit(i64::from(limit.get()) + 1);
        let documents: Vec<_> =
            call("list posts", async { find.await?.try_collect().await }).await?;

        Ok(Page {
            has_next: documents.len() > wanted,
            posts: documents
                .into_iter()
                .take(wanted)
                .map(|document| Stored::from(document).post)
                .collect(),
        })
    }

    /// From the collection's own counter, never by a scan.
    pub async fn count(&self) -> Result<u64, CallError> {
        call("count posts", self.posts.estimated_document_count()).await
    }
}

impl From<ObjectId> for Id {
    fn from(id: ObjectId) -> Self {
        Self::parse(&id.to_hex()).expect("an object id is 24 hex digits")
    }
}

impl From<&Stored> for Document {
    fn from(Stored { post, version }: &Stored) -> Self {
        Self {
            id: object_id(&post.id),
            user: object_id(&post.user),
            content: post.content.clone(),
            media_ids: post.media_ids.iter().map(object_id).collect(),
            created_at: bson_time(post.created_at),
            updated_at: bson_time(post.updated_at),
            version: i64::try_from(*version).unwrap_or(i64::MAX),
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
        }
    }
}

fn object_id(id: &Id) -> ObjectId {
    ObjectId::parse_str(id.as_str()).expect("an id is 24 hex digits")
}

fn bson_time(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}

fn time(time: DateTime) -> Timestamp {
    // MongoDB's range of times is wider; what lies outside of ours was not written by this service.
    Timestamp::from_millisecond(time.timestamp_millis()).unwrap_or(Timestamp::UNIX_EPOCH)
}
