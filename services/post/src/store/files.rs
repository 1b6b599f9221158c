//! Which posts show a file.

use database::{CallError, call};
use mongodb::bson::{self, doc};
use mongodb::options::Hint;

use super::{OnlyId, Store, object_id};
use crate::post::{Id, Post};

impl Store {
    /// The files of a post that no other post of its author shows.
    ///
    /// Nobody else can tell: that another post shows a file may still be on its way to them.
    pub async fn own_files(&self, post: &Post) -> Result<Vec<Id>, CallError> {
        let mut own = Vec::new();
        for file in &post.media_ids {
            let others = doc! {
                "mediaIds": object_id(*file),
                "mediaIds.0": { "$exists": true },
                "user": object_id(post.user),
                "deletedAt": null,
                "_id": { "$ne": object_id(post.id) },
            };
            let posts = self.posts.clone_with_type::<OnlyId>();
            let other = posts
                .find_one(others)
                .projection(doc! { "_id": 1 })
                .hint(Hint::Keys(index()));
            if call("look for other posts with a file", other)
                .await?
                .is_none()
            {
                own.push(*file);
            }
        }

        Ok(own)
    }
}

/// Of posts that show files, which few do.
pub(super) fn index() -> bson::Document {
    doc! { "mediaIds": 1, "user": 1, "deletedAt": 1 }
}
