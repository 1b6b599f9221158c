//! Which posts show which files.
//!
//! Events come more than once and in any order. So the newest version of each post is kept, and what it says is put
//! into the files again until nothing newer has come meanwhile: whatever the order, the last word is the newest one's.
//!
//! Events that are handled at the same time are noted together, since each call waits for the database's journal.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use mongodb::{Collection, Database};

use crate::media::MediaId;
use crate::storage::StorageError;
use crate::store::document::{GoneUser, MediaDocument, PostDocument};
use crate::store::{Store, object_id};
use database::{CallError, Refused, Update, call, is_duplicate_key, update_each};

/// Posts that are noted together at most. However long their events are (128 KiB of ids each, which are named twice), they
/// fit into one command of 16 MB.
pub(super) const AT_ONCE: usize = 60;

/// The files a post shows at one version of it.
#[derive(Debug, Clone)]
pub struct PostFiles {
    pub post: String,
    pub author: String,
    pub version: u64,
    pub media: Vec<MediaId>,
    pub is_deleted: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Posts do not change hands: who says so is not believed.
    #[error("the post {0} is somebody else's")]
    NotTheAuthor(String),

    /// Of what was noted for several posts.
    #[error(transparent)]
    Call(#[from] Arc<CallError>),

    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Notes what posts show.
#[derive(Clone)]
pub(super) struct Claims {
    media: Collection<MediaDocument>,
    posts: Collection<PostDocument>,
}

type Posts = HashMap<String, PostDocument>;
/// Posts whose notes the database refused, which is nothing to the others.
type Failures = HashMap<String, Arc<CallError>>;

impl ClaimError {
    /// The claim may be made again later: nothing is wrong with it.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::NotTheAuthor(_) => false,
            Self::Call(call) => call.is_unavailable(),
            Self::Storage(storage) => storage.is_unavailable(),
        }
    }
}

impl Store {
    /// Notes what a post shows. Files that no post shows any more are unclaimed, or removed if the post is deleted; says
    /// how many were removed.
    ///
    /// The event is believed about posts, not about other people's files: only those of its author count.
    pub async fn claim(&self, post: PostFiles) -> Result<u64, ClaimError> {
        let newest = self.claims.run(post).await?;
        if !newest.is_deleted || newest.media_ids.is_empty() {
            return Ok(0);
        }

        // Another post of the same person may show a file as well. Post does not name those files, because the word of
        // that may still be on its way; this is for what was announced before another post showed them.
        let unclaimed = doc! {
            "_id": { "$in": newest.media_ids },
            "userId": newest.user_id,
            "posts.0": { "$exists": false },
        };
        Ok(self.remove_all(unclaimed).await?)
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

    /// Removes the files that `filter` finds, and says how many there were.
    async fn remove_all(&self, filter: Document) -> Result<u64, StorageError> {
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

impl Claims {
    pub(super) fn new(database: &Database) -> Self {
        Self {
            media: database.collection("media"),
            posts: database.collection("posts"),
        }
    }

    /// The newest that is known of each of these posts, in their order, once their files say the same.
    pub(super) async fn make(
        &self,
        posts: Vec<PostFiles>,
    ) -> Vec<Result<PostDocument, ClaimError>> {
        let mut failures = Failures::new();
        let newest = self.note(&posts, &mut failures).await.map_err(Arc::new);
        let mine = |post: &PostFiles| {
            let newest = newest.as_ref().map_err(Arc::clone)?;
            if let Some(failure) = failures.get(&post.post) {
                return Err(failure.clone().into());
            }
            match newest.get(&post.post) {
                Some(newest) if newest.user_id == post.author => Ok(newest.clone()),
                _ => Err(ClaimError::NotTheAuthor(post.post.clone())),
            }
        };

        posts.iter().map(mine).collect()
    }

    async fn note(&self, posts: &[PostFiles], failures: &mut Failures) -> Result<Posts, CallError> {
        self.note_newer(posts, failures).await?;
        let all = posts.iter().map(|post| post.post.as_str()).collect();
        let mut newest = self.newest(all).await?;
        let mut unsaid: Vec<_> = newest.keys().cloned().collect();
        while !unsaid.is_empty() {
            let to_say = unsaid.iter().filter_map(|post| newest.get(post));
            self.apply(to_say, failures).await?;
            let again = unsaid.iter().map(String::as_str).collect();
            let after = self.newest(again).await?;
            unsaid.retain(|post| {
                let version_in = |posts: &Posts| posts.get(post).map(|post| post.version);
                version_in(&after) != version_in(&newest)
            });
            newest.extend(after);
        }

        Ok(newest)
    }

    /// Keeps what is newer than what is known, of the same author.
    async fn note_newer(
        &self,
        posts: &[PostFiles],
        failures: &mut Failures,
    ) -> Result<(), CallError> {
        let mut left: Vec<_> = posts.iter().collect();
        while !left.is_empty() {
            let notes = left.iter().map(|post| note(post)).collect();
            let noted = update_each("note what posts show", &self.posts, notes).await?;
            let mut refused = Vec::new();
            for (post, noted) in left.into_iter().zip(noted) {
                match noted {
                    Ok(()) => {}
                    Err(error) if error.is_duplicate_key() => refused.push(post),
                    Err(error) => fail(failures, &post.post, error),
                }
            }
            // What is there is as new, newer, or somebody else's. Or it is older and was added at this moment; then there
            // is something to replace the next time.
            let ids = refused.iter().map(|post| post.post.as_str()).collect();
            let known = self.newest(ids).await?;
            refused.retain(|post| {
                known.get(&post.post).is_none_or(|known| {
                    known.user_id == post.author && known.version < version(post)
                })
            });
            left = refused;
        }

        Ok(())
    }

    async fn newest(&self, posts: BTreeSet<&str>) -> Result<Posts, CallError> {
        if posts.is_empty() {
            return Ok(Posts::new());
        }
        let posts: Vec<_> = posts.into_iter().collect();
        let found = self.posts.find(doc! { "_id": { "$in": posts } });
        let found = async { found.await?.try_collect::<Vec<_>>().await };
        let found = call("read what posts show", found).await?;

        Ok(found
            .into_iter()
            .map(|post| (post.id.clone(), post))
            .collect())
    }

    /// Has files say which posts show them.
    async fn apply(
        &self,
        posts: impl Iterator<Item = &PostDocument>,
        failures: &mut Failures,
    ) -> Result<(), CallError> {
        let changes = posts.flat_map(|post| changes(post).map(|change| (post.id.as_str(), change)));
        let (posts, changes): (Vec<_>, Vec<_>) = changes.unzip();
        let claimed = update_each("claim media", &self.media, changes).await?;
        for (post, claimed) in posts.into_iter().zip(claimed) {
            if let Err(error) = claimed {
                fail(failures, post, error);
            }
        }

        Ok(())
    }
}

fn fail(failures: &mut Failures, post: &str, error: Refused) {
    failures.insert(post.to_owned(), Arc::new(error.into()));
}

/// What files have to say of a post: those it shows, and those it shows no more.
fn changes(post: &PostDocument) -> impl Iterator<Item = Update> {
    let shown: &[ObjectId] = if post.is_deleted {
        &[]
    } else {
        &post.media_ids
    };
    let claim = (!shown.is_empty()).then(|| {
        Update::many(
            doc! { "_id": { "$in": shown }, "userId": &post.user_id, "removing": { "$ne": true } },
            doc! { "$addToSet": { "posts": &post.id }, "$unset": { "unclaimedSince": "" } },
        )
    });
    let give_up = Update::many(
        doc! { "posts": &post.id, "_id": { "$nin": shown } },
        without(&post.id),
    );

    claim.into_iter().chain([give_up])
}

/// Refused as a duplicate when something else is there that it must not replace.
fn note(post: &PostFiles) -> Update {
    let ids: Vec<_> = post.media.iter().copied().map(object_id).collect();
    let older = doc! {
        "_id": &post.post,
        "userId": &post.author,
        "version": { "$lt": version(post) },
    };
    let change = doc! { "$set": {
        "version": version(post),
        "mediaIds": ids,
        "isDeleted": post.is_deleted,
    } };

    Update::one(older, change).or_insert()
}

fn version(post: &PostFiles) -> i64 {
    i64::try_from(post.version).unwrap_or(i64::MAX)
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
