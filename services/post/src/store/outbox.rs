//! The outbox: changes that are not announced yet, each in the document of its post.
//!
//! One write holds a change and that it is to be announced, so neither is ever there without the other. Changes that
//! follow each other faster than they are announced are announced as one, the newest: an event says all there is to say
//! about a post at its version.

use std::collections::BTreeMap;
use std::time::Duration;

use database::{CallError, call};
use events::Origin;
use faults::Bug;
use futures::TryStreamExt;
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{self, Bson, DateTime, doc};
use serde::{Deserialize, Serialize};

use super::{Store, Stored, bson_time, object_id, time};
use crate::post::Id;

/// Who wrote a change, or took it, has so long to announce it; then anybody may.
const LEASE: Duration = Duration::from_secs(5);
/// Changes that are taken at once.
pub const BATCH: usize = 256;
/// Posts that are marked at once to be announced again.
const AGAIN_AT_ONCE: i64 = 1000;
/// As many are counted; more are no other news.
const MAX_COUNTED: u64 = 100_000;

/// That the last change of a post is to be announced.
#[derive(Debug, Clone)]
pub struct Pending {
    /// When the change was made.
    pub at: Timestamp,
    /// The request that made it.
    pub origin: Origin,
}

/// What is not announced yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// 100,000 stands for more, too.
    pub count: u64,
    /// When the first of these changes was made.
    pub since: Option<Timestamp>,
}

/// Posts that are announced again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    pub last: Id,
    pub count: u64,
}

/// [`Pending`], as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PendingDocument {
    at: DateTime,
    /// From then on anybody may announce it.
    due: DateTime,
    request_id: String,
    traceparent: String,
}

/// Finds out only when a change was made.
#[derive(Debug, Deserialize)]
struct OnlyPending {
    pending: PendingDocument,
}

impl Store {
    /// Some changes that nobody is announcing, the oldest first. Nobody else is given them for a while.
    pub async fn take_pending(&self) -> Result<Vec<Stored>, CallError> {
        let now = DateTime::now();
        let is_due = doc! { "pending.at": { "$exists": true }, "pending.due": { "$lte": now } };
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let oldest_first = doc! { "pending.at": 1 };
        let ids = self.ids(is_due.clone(), oldest_first, limit);
        let ids = call("find changes to announce", ids).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }

        let turn = ObjectId::new();
        let mut mine = is_due;
        mine.insert("_id", doc! { "$in": &ids });
        let take = doc! { "$set": { "pending.due": due_after(now), "pending.turn": turn } };
        call(
            "take changes to announce",
            self.posts.update_many(mine, take),
        )
        .await?;
        let taken = self
            .posts
            .find(doc! { "_id": { "$in": ids }, "pending.turn": turn });
        let taken = async { taken.await?.try_collect::<Vec<_>>().await };
        let taken = call("read changes to announce", taken).await?;

        Ok(taken.into_iter().map(Stored::from).collect())
    }

    /// Takes note that these changes are announced: a deleted post is removed. One that was changed again meanwhile is
    /// to be announced again.
    pub async fn announced(&self, changes: &[Stored]) -> Result<(), CallError> {
        let (deleted, changed): (Vec<_>, Vec<_>) =
            changes.iter().partition(|stored| stored.is_deleted);
        // Acknowledged by one member is enough: what is forgotten is only announced once more.
        if !changed.is_empty() {
            let clear = doc! { "$unset": { "pending": "" } };
            let cleared = self.unsafely.update_many(at_version(&changed), clear);
            call("note announced changes", cleared).await?;
        }
        if !deleted.is_empty() {
            let removed = self.unsafely.delete_many(at_version(&deleted));
            call("remove deleted posts", removed).await?;
        }

        Ok(())
    }

    /// Has some posts announced again, whether or not anybody missed them: those after this one, by id. Nothing when
    /// there are none.
    pub async fn announce_again(&self, after: Option<Id>) -> Result<Option<Again>, CallError> {
        let mut some = doc! { "deletedAt": null };
        if let Some(after) = after {
            some.insert("_id", doc! { "$gt": object_id(after) });
        }
        let ids = self.ids(some, doc! { "_id": 1 }, AGAIN_AT_ONCE);
        let ids = call("find posts to announce again", ids).await?;
        let Some(last) = ids.last() else {
            return Ok(None);
        };
        let again = Again {
            last: (*last).into(),
            count: ids.len() as u64,
        };

        let others = doc! { "_id": { "$in": ids }, "deletedAt": null, "pending": null };
        let mut pending = PendingDocument::from(&Pending::of(Origin::default()));
        pending.due = pending.at;
        let mark = doc! { "$set": { "pending": &pending } };
        let marked = self.posts.update_many(others, mark);
        call("mark posts to announce again", marked).await?;

        Ok(Some(again))
    }

    /// How much is to be announced.
    pub async fn backlog(&self) -> Result<Backlog, CallError> {
        let all = doc! { "pending.at": { "$exists": true } };
        let count = self.posts.count_documents(all.clone()).limit(MAX_COUNTED);
        let oldest = self.posts.clone_with_type::<OnlyPending>();
        let oldest = oldest
            .find_one(all)
            .sort(doc! { "pending.at": 1 })
            .projection(doc! { "pending": 1 });
        let (count, oldest) = tokio::try_join!(
            call("count changes to announce", count),
            call("find the oldest change to announce", oldest)
        )?;

        Ok(Backlog {
            count,
            since: oldest.map(|OnlyPending { pending }| time(pending.at)),
        })
    }

    /// Those of `users` who have no account any more.
    pub async fn gone_among(
        &self,
        users: impl IntoIterator<Item = Id>,
    ) -> Result<Vec<Id>, CallError> {
        let ids: Vec<_> = users.into_iter().map(object_id).collect();
        let gone = self.gone_users.find(doc! { "_id": { "$in": ids } });
        let gone = async { gone.await?.try_collect::<Vec<_>>().await };
        let gone = call("look for deleted accounts", gone).await?;

        Ok(gone.into_iter().map(|user| user.id.into()).collect())
    }
}

impl Pending {
    pub fn of(origin: Origin) -> Self {
        Self {
            at: Timestamp::now(),
            origin,
        }
    }
}

impl From<&Pending> for PendingDocument {
    fn from(pending: &Pending) -> Self {
        let at = bson_time(pending.at);

        Self {
            at,
            due: due_after(at),
            request_id: pending.origin.request_id.clone(),
            traceparent: pending.origin.traceparent.clone(),
        }
    }
}

impl From<PendingDocument> for Pending {
    fn from(pending: PendingDocument) -> Self {
        Self {
            at: time(pending.at),
            origin: Origin {
                request_id: pending.request_id,
                traceparent: pending.traceparent,
            },
        }
    }
}

impl From<&PendingDocument> for Bson {
    fn from(pending: &PendingDocument) -> Self {
        bson::serialize_to_bson(pending).expect("dates and texts are BSON")
    }
}

impl From<&Pending> for Bson {
    fn from(pending: &Pending) -> Self {
        (&PendingDocument::from(pending)).into()
    }
}

fn due_after(now: DateTime) -> DateTime {
    let lease = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);

    DateTime::from_millis(now.timestamp_millis().saturating_add(lease))
}

/// Finds these posts as long as they are as they are here.
fn at_version(changes: &[&Stored]) -> bson::Document {
    let mut by_version: BTreeMap<u64, Vec<ObjectId>> = BTreeMap::new();
    for stored in changes {
        let ids = by_version.entry(stored.version).or_default();
        ids.push(object_id(stored.post.id));
    }
    let each = by_version.into_iter().map(|(version, ids)| {
        let version = i64::try_from(version).unwrap_or(i64::MAX);
        if faults::has(Bug::StaleRead) {
            return doc! { "_id": { "$in": ids } };
        }
        doc! { "version": version, "_id": { "$in": ids } }
    });

    doc! { "$or": each.collect::<Vec<_>>() }
}
