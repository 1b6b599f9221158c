//! What becomes of posts whose author's account is deleted.

use database::{CallError, call};
use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

use super::{Store, Stored, object_id};
use crate::post::Id;

/// Posts that are removed together. So many ids and the posts of a thousand words fit into memory and one command.
const BATCH: i64 = 200;

/// Somebody who has no account any more, and is never remembered as anything but an id.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GoneUser {
    #[serde(rename = "_id")]
    id: ObjectId,
    since: DateTime,
}

/// Finds out only that something is there.
#[derive(Debug, Deserialize)]
struct OnlyId {
    #[serde(rename = "_id")]
    id: ObjectId,
}

impl Store {
    /// From here on [`Store::is_gone`].
    pub async fn mark_gone(&self, user: Id) -> Result<(), CallError> {
        let marked = self
            .gone_users
            .update_one(
                doc! { "_id": object_id(user) },
                doc! { "$setOnInsert": { "since": DateTime::now() } },
            )
            .upsert(true);
        call("mark a deleted account", marked).await?;

        Ok(())
    }

    /// Whether the account was deleted. Who writes a post asks afterwards: then either this finds the mark, or whoever
    /// set it finds the post.
    pub async fn is_gone(&self, user: Id) -> Result<bool, CallError> {
        let found = self.gone_users.find_one(doc! { "_id": object_id(user) });

        Ok(call("look for a deleted account", found).await?.is_some())
    }

    /// Hides some posts of a user and returns what they are then; nothing when none is left. The same posts are
    /// returned again until they are [removed](Store::remove).
    pub async fn hide_some(&self, user: Id) -> Result<Vec<Stored>, CallError> {
        let ids = self.posts.clone_with_type::<OnlyId>();
        let some = ids
            .find(doc! { "user": object_id(user) })
            .projection(doc! { "_id": 1 })
            .limit(BATCH);
        let doing = "find the posts of a deleted account";
        let some: Vec<_> = call(doing, async { some.await?.try_collect().await }).await?;
        let ids: Vec<_> = some.into_iter().map(|OnlyId { id }| id).collect();

        let hide = self.posts.update_many(
            doc! { "_id": { "$in": &ids }, "deletedAt": null },
            doc! { "$set": { "deletedAt": DateTime::now() }, "$inc": { "version": 1_i64 } },
        );
        call("hide the posts of a deleted account", hide).await?;
        let hidden = self
            .posts
            .find(doc! { "_id": { "$in": ids }, "deletedAt": { "$ne": null } });
        let hidden: Vec<_> = call(doing, async { hidden.await?.try_collect().await }).await?;

        Ok(hidden.into_iter().map(Stored::from).collect())
    }

    /// Removes posts that were hidden.
    pub async fn remove(&self, hidden: &[Stored]) -> Result<(), CallError> {
        let ids: Vec<_> = hidden
            .iter()
            .map(|stored| object_id(stored.post.id))
            .collect();
        let remove = self
            .posts
            .delete_many(doc! { "_id": { "$in": ids }, "deletedAt": { "$ne": null } });
        call("remove the posts of a deleted account", remove).await?;

        Ok(())
    }
}
