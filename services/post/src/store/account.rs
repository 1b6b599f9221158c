//! What becomes of posts whose author's account is deleted.

use database::{CallError, call};
use events::Origin;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

use super::{Store, deletion, object_id};
use crate::post::Id;

/// Posts that are deleted together.
const BATCH: i64 = 1000;

/// Somebody who has no account any more, and is never remembered as anything but an id.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GoneUser {
    #[serde(rename = "_id")]
    pub id: ObjectId,
    since: DateTime,
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

    /// Deletes some posts of a user, and says how many. Nothing is left to do when there are none.
    pub async fn delete_some(&self, user: Id, origin: Origin) -> Result<u64, CallError> {
        let of_user = doc! { "user": object_id(user), "deletedAt": null };
        let ids = self.ids(of_user, doc! {}, BATCH);
        let ids = call("find the posts of a deleted account", ids).await?;
        if ids.is_empty() {
            return Ok(0);
        }

        let count = ids.len() as u64;
        let delete = self.posts.update_many(
            doc! { "_id": { "$in": ids }, "deletedAt": null },
            deletion(origin),
        );
        call("delete the posts of a deleted account", delete).await?;

        Ok(count)
    }
}
