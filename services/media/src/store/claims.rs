//! Which posts show which files.
//!
//! Events come more than once and in any order. So the newest version of each post is kept, and what it says is put
//! into the files again until nothing newer has come meanwhile: whatever the order, the last word is the newest one's.

use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};

use crate::media::MediaId;
use crate::storage::StorageError;
use crate::store::document::{GoneUser, MediaDocument, PostDocument};
use crate::store::{Store, object_id};
use database::{CallError, call, is_duplicate_key};

/// The files a post shows at one version of it.
#[derive(Debug, Clone)]
pub struct PostFiles {
    pub post: String,
    pub author: String,
    pub version: u64,
    pub media: Vec<MediaId>,
    pub is_deleted: bool,
}

impl Store {
    /// Notes what a post shows. Files that no post shows any more are unclaimed, or removed if the post is deleted.
    ///
    /// The event is believed about posts, not about other people's files: only those of its author count.
    pub async fn claim(&self, post: &PostFiles) -> Result<u64, StorageError> {
        self.note_post(post).await?;
        let mut removed = 0;
        loop {
            let Some(newest) = self.newest(&post.post).await? else {
                return Ok(removed);
            };
            removed += self.apply(&newest).await?;
            let after = self.newest(&post.post).await?;
            if after.is_none_or(|after| after.version == newest.version) {
                return Ok(removed);
            }
        }
    }

    /// Whose post it is, as far as that was heard.
    pub async fn author_of(&self, post: &str) -> Result<Option<String>, CallError> {
        Ok(self.newest(post).await?.map(|post| post.user_id))
    }

    /// Removes everything of a person.
    pub async fn remove_user(&self, owner: &str) -> Result<u64, StorageError> {
        let gone = GoneUser {
            id: owner.to_owned(),
        };
        let noted = async {
            match self.gone_users.insert_one(gone).await {
                Err(error) if is_duplicate_key(&error) => Ok(()),
                noted => noted.map(drop),
            }
        };
        call("note a deleted account", noted).await?;

        self.remove_all(doc! { "userId": owner }).await
    }

    async fn note_post(&self, post: &PostFiles) -> Result<(), CallError> {
        let ids: Vec<_> = post.media.iter().copied().map(object_id).collect();
        let version = i64::try_from(post.version).unwrap_or(i64::MAX);
        let older = doc! { "_id": &post.post, "version": { "$lt": version } };
        let change = doc! { "$set": {
            "userId": &post.author,
            "version": version,
            "mediaIds": ids,
            "isDeleted": post.is_deleted,
        } };
        let noted = async {
            let noted = self.posts.update_one(older, change).upsert(true).await;
            match noted {
                // There is one that is as new or newer.
                Err(error) if is_duplicate_key(&error) => Ok(()),
                noted => noted.map(drop),
            }
        };

        call("note what a post shows", noted).await
    }

    async fn newest(&self, post: &str) -> Result<Option<PostDocument>, CallError> {
        let found = self.posts.find_one(doc! { "_id": post });
        call("read what a post shows", found).await
    }

    async fn apply(&self, post: &PostDocument) -> Result<u64, StorageError> {
        let shown: &[ObjectId] = if post.is_deleted {
            &[]
        } else {
            &post.media_ids
        };
        let claimed = self.media.update_many(
            doc! { "_id": { "$in": shown }, "userId": &post.user_id, "removing": { "$ne": true } },
            doc! { "$addToSet": { "posts": &post.id }, "$unset": { "unclaimedSince": "" } },
        );
        call("claim media", claimed).await?;
        let dropped = self.media.update_many(
            doc! { "posts": &post.id, "_id": { "$nin": shown } },
            without(&post.id),
        );
        call("give media up", dropped).await?;
        if !post.is_deleted {
            return Ok(0);
        }

        // Another post of the same person may show a file as well.
        self.remove_all(doc! {
            "_id": { "$in": &post.media_ids },
            "userId": &post.user_id,
            "posts.0": { "$exists": false },
        })
        .await
    }

    /// Removes the files that `filter` finds, and says how many there were.
    pub(super) async fn remove_all(&self, filter: Document) -> Result<u64, StorageError> {
        let found = async {
            let found = self.media.find(filter).await?;
            found.try_collect::<Vec<MediaDocument>>().await
        };
        let found = call("find the media to remove", found).await?;
        for document in &found {
            self.remove(document.id, document.name(), None).await?;
        }

        Ok(found.len() as u64)
    }
}

/// Takes a post out of a file's `posts`; with the last one the file becomes unclaimed.
fn without(post: &str) -> Vec<Document> {
    let others = doc! { "$setDifference": ["$posts", [{ "$literal": post }]] };
    let since = doc! { "$cond": [{ "$eq": ["$posts", []] }, "$$NOW", "$$REMOVE"] };

    vec![
        doc! { "$set": { "posts": others } },
        doc! { "$set": { "unclaimedSince": since } },
    ]
}
