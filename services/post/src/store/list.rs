//! Parts of the list of posts, and how long it is.

use database::{CallError, call};
use futures::TryStreamExt;
use mongodb::bson::{Document, doc};

use super::{Store, Stored, bson_time, object_id};
use crate::cursor::Cursor;
use crate::page::{Start, Wanted, skip};
use crate::post::{Id, Post};

/// A user's posts are counted up to here; it takes some 10 ms.
const MAX_COUNTED: u64 = 10_000;

/// Part of the list.
#[derive(Debug)]
pub struct Part {
    pub posts: Vec<Post>,
    pub has_next: bool,
}

impl Store {
    /// Newest first; posts of the same millisecond by descending id.
    pub async fn part(&self, wanted: &Wanted) -> Result<Part, CallError> {
        let (mut filter, skipped) = match &wanted.start {
            Start::Page(page) => (doc! {}, skip(*page, wanted.limit)),
            Start::After(cursor) => (after(cursor), 0),
        };
        if let Some(user) = wanted.user {
            filter.insert("user", object_id(user));
        }
        filter.insert("deletedAt", None::<i32>);
        let limit = wanted.limit.get();
        // One more than wanted tells whether there is a next page.
        let find = self
            .posts
            .find(filter)
            .sort(doc! { "createdAt": -1, "_id": -1 })
            .skip(skipped)
            .limit(i64::from(limit) + 1)
            .batch_size(limit + 1);
        let documents: Vec<_> =
            call("list posts", async { find.await?.try_collect().await }).await?;
        let wanted = limit as usize;

        Ok(Part {
            has_next: documents.len() > wanted,
            posts: documents
                .into_iter()
                .take(wanted)
                .map(|document| Stored::from(document).post)
                .collect(),
        })
    }

    /// All posts, from the collection's own counter; or a user's, counted in an index and not further than
    /// [`MAX_COUNTED`].
    pub async fn count(&self, user: Option<Id>) -> Result<u64, CallError> {
        let doing = "count posts";
        let Some(user) = user else {
            return call(doing, self.posts.estimated_document_count()).await;
        };
        let of_user = doc! { "user": object_id(user), "deletedAt": null };
        let count = self.posts.count_documents(of_user).limit(MAX_COUNTED);

        call(doing, count).await
    }
}

fn after(cursor: &Cursor) -> Document {
    let created_at = bson_time(cursor.created_at);
    let earlier = doc! { "createdAt": { "$lt": created_at } };
    let same_time = doc! { "_id": { "$lt": object_id(cursor.id) } };

    // The first condition is what bounds the walk over the index.
    doc! {
        "createdAt": { "$lte": created_at },
        "$or": [earlier, same_time],
    }
}
