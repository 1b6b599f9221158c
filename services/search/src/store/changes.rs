//! Changes of posts, as many in one call as are to be made at the same time.
//!
//! An outage of this service leaves thousands of them behind. One by one, each costs its own way to the database and
//! its own wait for the journal, which is most of the time it takes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use database::{CallError, Update, call, update_each};
use faults::Bug;
use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use mongodb::{Collection, Database};
use serde::Deserialize;

use super::vocabulary::Vocabulary;
use super::{bson_time, object_id, tombstone};
use crate::document::PostId;
use crate::engine::{EngineError, Post};
use crate::words::terms;

/// Made together at most. However long their events are (128 KiB each), they fit into one command of 16 MB, terms included.
pub(super) const AT_ONCE: usize = 80;
/// Two changes of a post that is not known yet both insert it, and the second of them is made again. Each try but the
/// last needs somebody else who changes the same post at the same moment.
const TRIES: usize = 5;

#[derive(Debug)]
pub(super) enum Change {
    Put(Post),
    Remove { id: PostId, user_id: String },
}

/// Makes changes.
#[derive(Clone)]
pub(super) struct Changes {
    posts: Collection<Document>,
    authors: Collection<Document>,
    vocabulary: Vocabulary,
}

/// What is there where a change was refused.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: Option<String>,
    version: Option<i64>,
    deleted_at: Option<DateTime>,
}

#[derive(Debug, thiserror::Error)]
#[error("the post is changed too often at this moment")]
struct Contended;

impl Changes {
    pub(super) fn new(database: &Database, vocabulary: Vocabulary) -> Self {
        Self {
            posts: database.collection("posts"),
            authors: database.collection("authors"),
            vocabulary,
        }
    }

    /// What becomes of each, in their order.
    pub(super) async fn make(&self, changes: Vec<Change>) -> Vec<Result<(), EngineError>> {
        match self.try_make(&changes).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let error = Arc::new(error);
                let same = |_| Err(EngineError::from(error.clone()));
                changes.iter().map(same).collect()
            }
        }
    }

    async fn try_make(
        &self,
        changes: &[Change],
    ) -> Result<Vec<Result<(), EngineError>>, CallError> {
        let texts = puts(changes).map(|post| post.content.as_str());
        let (outcomes, ()) = tokio::try_join!(self.write(changes), self.vocabulary.learn(texts))?;
        self.bury_orphans(changes).await?;
        if faults::has(Bug::NoTombstone) {
            let tombstones = doc! { "deletedAt": { "$exists": true } };
            call("forget tombstones", self.posts.delete_many(tombstones)).await?;
        }

        Ok(outcomes)
    }

    async fn write(&self, changes: &[Change]) -> Result<Vec<Result<(), EngineError>>, CallError> {
        let mut outcomes: Vec<_> = changes.iter().map(|_| Ok(())).collect();
        let mut left: Vec<_> = (0..changes.len()).collect();
        for _ in 0..TRIES {
            let updates = left.iter().map(|index| changes[*index].update()).collect();
            let made = update_each("change posts", &self.posts, updates).await?;
            let mut refused = Vec::new();
            for (index, made) in left.drain(..).zip(made) {
                match made {
                    Ok(()) => {}
                    Err(error) if error.is_duplicate_key() => refused.push(index),
                    Err(error) => outcomes[index] = Err(CallError::from(error).into()),
                }
            }
            let ids = refused.iter().map(|index| object_id(changes[*index].id()));
            let known = self.known(ids.collect()).await?;
            for index in refused {
                let change = &changes[index];
                match known.get(&object_id(change.id())) {
                    Some(known) if known.is_of_other_than(change.author()) => {
                        let id = change.id().as_str().to_owned();
                        outcomes[index] = Err(EngineError::NotTheAuthor(id));
                    }
                    Some(known) if known.is_newer_than(change) => {}
                    _ => left.push(index),
                }
            }
            if left.is_empty() {
                return Ok(outcomes);
            }
        }
        for index in left {
            outcomes[index] = Err(EngineError::Failed(Box::new(Contended)));
        }

        Ok(outcomes)
    }

    async fn known(&self, ids: Vec<ObjectId>) -> Result<HashMap<ObjectId, Known>, CallError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let posts = self.posts.clone_with_type::<Known>();
        let known = posts
            .find(doc! { "_id": { "$in": ids } })
            .projection(doc! { "userId": 1, "version": 1, "deletedAt": 1 });
        let known = async { known.await?.try_collect::<Vec<_>>().await };
        let known = call("read what is known of posts", known).await?;

        Ok(known.into_iter().map(|known| (known.id, known)).collect())
    }

    /// Takes posts along whose author is gone. Asked after the write: an author who goes later finds them.
    async fn bury_orphans(&self, changes: &[Change]) -> Result<(), CallError> {
        let authors: BTreeSet<_> = puts(changes).map(|post| post.user_id.as_str()).collect();
        if authors.is_empty() {
            return Ok(());
        }
        let authors: Vec<_> = authors.into_iter().collect();
        let gone = self.authors.find(doc! { "_id": { "$in": authors } });
        let gone = async { gone.await?.try_collect::<Vec<_>>().await };
        let gone = call("look for authors' ends", gone).await?;
        let gone: BTreeSet<_> = gone
            .iter()
            .filter_map(|gone| gone.get_str("_id").ok())
            .collect();
        let orphans = puts(changes).filter(|post| gone.contains(post.user_id.as_str()));
        let orphans: Vec<_> = orphans.map(|post| object_id(&post.id)).collect();
        if !orphans.is_empty() {
            // Of theirs alone: who is gone may be named in an event of somebody else's post.
            let gone: Vec<_> = gone.into_iter().collect();
            let bury = doc! { "_id": { "$in": orphans }, "userId": { "$in": gone } };
            let bury = self.posts.update_many(bury, vec![tombstone()]);
            call("remove posts of authors that are gone", bury).await?;
        }

        Ok(())
    }
}

impl Change {
    fn id(&self) -> &PostId {
        match self {
            Self::Put(post) => &post.id,
            Self::Remove { id, .. } => id,
        }
    }

    fn author(&self) -> &str {
        match self {
            Self::Put(post) => &post.user_id,
            Self::Remove { user_id, .. } => user_id,
        }
    }

    /// Refused as a duplicate when something else is there that it must not replace.
    fn update(&self) -> Update {
        match self {
            Self::Put(post) => put(post),
            Self::Remove { id, user_id } => {
                let whose = vec![doc! { "userId": user_id }, doc! { "userId": null }];
                let known_or_not = doc! { "_id": object_id(id), "$or": whose };
                Update::one(known_or_not, vec![tombstone()])
            }
        }
        .or_insert()
    }
}

impl Known {
    /// Posts do not change hands: who says so is not believed.
    fn is_of_other_than(&self, author: &str) -> bool {
        self.user_id.as_deref().is_some_and(|known| known != author)
    }

    fn is_newer_than(&self, change: &Change) -> bool {
        match change {
            Change::Put(post) => {
                self.deleted_at.is_some() || self.version.is_some_and(|known| known > version(post))
            }
            Change::Remove { .. } => false,
        }
    }
}

fn puts(changes: &[Change]) -> impl Iterator<Item = &Post> {
    changes.iter().filter_map(|change| match change {
        Change::Put(post) => Some(post),
        Change::Remove { .. } => None,
    })
}

/// The same version once more is noted as seen.
fn put(post: &Post) -> Update {
    let version = version(post);
    let mut not_newer = doc! {
        "_id": object_id(&post.id),
        "userId": &post.user_id,
        "version": { "$not": { "$gt": version } },
        "deletedAt": { "$exists": false },
    };
    if faults::has(Bug::NoVersionGuard) {
        not_newer.remove("version");
    }
    let change = doc! { "$set": {
        "userId": &post.user_id,
        "content": &post.content,
        "terms": terms(&post.content).collect::<Vec<_>>(),
        "createdAt": bson_time(post.created_at),
        "updatedAt": bson_time(post.updated_at),
        "version": version,
        "seenAt": DateTime::now(),
    } };

    Update::one(not_newer, change)
}

fn version(post: &Post) -> i64 {
    i64::try_from(post.version).unwrap_or(i64::MAX)
}
