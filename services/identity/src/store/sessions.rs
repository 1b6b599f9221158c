//! Sessions.

use database::call;
use futures::TryStreamExt;
use futures::stream::{TryChunks, TryChunksError};
use jiff::Timestamp;
use mongodb::Cursor;
use mongodb::action::Action;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, Document, doc};
use mongodb::options::ReadConcern;
use serde::{Deserialize, Serialize};

use super::{Error, Store, Unsettled, date_time, object_id, timestamp};
use crate::id::Id;
use crate::refresh_token::NONCE_BYTES;
use crate::session::Session;

/// As many as a list of sessions shows.
const MAX_LISTED: i64 = 100;
const LOOKING: &str = "look for ended sessions";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: ObjectId,
    password_version: i64,
    device: String,
    created_at: DateTime,
    generation: i64,
    rotated_at: DateTime,
    absolute_expiry: DateTime,
    /// Absent while the session is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<DateTime>,
    /// Present from the end of the session until everybody was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    unannounced: Option<bool>,
    nonce: Binary,
    key_id: String,
}

/// Ids that the database has found, some at a time.
pub struct Batches(TryChunks<Cursor<OnlyId>>);

/// The `_id` alone.
#[derive(Debug, Deserialize)]
struct OnlyId {
    #[serde(rename = "_id")]
    id: ObjectId,
}

impl Store {
    pub async fn insert_session(&self, session: &Session) -> Result<(), Error> {
        self.prepare().await?;
        let inserted = self.sessions.insert_one(SessionDocument::from(session));
        call("store a session", inserted).await?;

        Ok(())
    }

    pub async fn session(&self, id: Id) -> Result<Option<Session>, Error> {
        let found = self.sessions.find_one(doc! { "_id": object_id(id) });
        let found = call("read a session", found).await?;

        found.map(SessionDocument::read).transpose()
    }

    /// The session as the last write has left it, even when that write is not yet known to a majority: who lost against
    /// it must not read what was before.
    pub async fn session_after_writes(&self, id: Id) -> Result<Option<Session>, Error> {
        let found = self
            .sessions
            .find_one(doc! { "_id": object_id(id) })
            .read_concern(ReadConcern::linearizable());
        let found = call("read a session again", found).await?;

        found.map(SessionDocument::read).transpose()
    }

    /// The open sessions of an account, the one used last first. `idle_since` is when those that have idled out were
    /// used last.
    pub async fn open_sessions(
        &self,
        user: Id,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Vec<Session>, Error> {
        let mut wanted = open(user);
        wanted.insert("rotatedAt", doc! { "$gt": date_time(idle_since) });
        wanted.insert("absoluteExpiry", doc! { "$gt": date_time(now) });
        let found = async {
            let newest_first = doc! { "rotatedAt": -1 };
            let found = self.sessions.find(wanted).sort(newest_first);
            let cursor = found.limit(MAX_LISTED).await?;
            cursor.try_collect::<Vec<SessionDocument>>().await
        };
        let found = call("list sessions", found).await?;

        found.into_iter().map(SessionDocument::read).collect()
    }

    /// Makes `next` of the session's generation before it; false when that is not the one that counts any more.
    pub async fn rotate(&self, next: &Session) -> Result<bool, Error> {
        let before = doc! {
            "_id": object_id(next.id),
            "generation": next.generation - 1,
            "revokedAt": { "$exists": false },
        };
        let change = doc! {
            "$set": { "generation": next.generation, "rotatedAt": date_time(next.rotated_at) },
        };

        let updated = call("rotate a session", self.sessions.update_one(before, change)).await?;

        Ok(updated.modified_count == 1)
    }

    /// Ends a session of this account; false when it had ended or there is none.
    pub async fn revoke(&self, user: Id, id: Id, now: Timestamp) -> Result<bool, Error> {
        let mut wanted = open(user);
        wanted.insert("_id", object_id(id));
        let ended = self.sessions.update_one(wanted, end(now));

        Ok(call("end a session", ended).await?.modified_count == 1)
    }

    /// Ends what sessions `user` is not to have any more: those that began with an older password, or all.
    pub async fn revoke_unwanted(&self, user: &Unsettled, now: Timestamp) -> Result<u64, Error> {
        let mut wanted = open(user.id);
        if user.deletion.is_none() {
            wanted.insert("passwordVersion", doc! { "$lt": user.password_version });
            if let Some(kept) = user.kept_session {
                wanted.insert("_id", doc! { "$ne": object_id(kept) });
            }
        }
        let ended = self.sessions.update_many(wanted, end(now));

        Ok(call("end sessions", ended).await?.modified_count)
    }

    /// Has all sessions of an account removed from `then` on.
    pub async fn expire_sessions(&self, user: Id, then: Timestamp) -> Result<(), Error> {
        let wanted = doc! { "userId": object_id(user) };
        let change = doc! { "$min": { "absoluteExpiry": date_time(then) } };
        let changed = self.sessions.update_many(wanted, change);
        call("let sessions expire", changed).await?;

        Ok(())
    }

    /// Up to `limit` sessions whose end nobody was told.
    pub async fn unannounced(&self, limit: usize) -> Result<Vec<Id>, Error> {
        let unannounced = doc! { "unannounced": true };
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut found = self.ids(unannounced, limit, Some(most)).await?;

        Ok(found.next().await?.unwrap_or_default())
    }

    /// The sessions that ended at `since` or later, so many at a time.
    pub async fn ended_since(&self, since: Timestamp, batch: usize) -> Result<Batches, Error> {
        let wanted = doc! { "revokedAt": { "$gte": date_time(since) } };

        self.ids(wanted, batch, None).await
    }

    pub async fn announced(&self, ids: &[Id]) -> Result<(), Error> {
        let ids: Vec<_> = ids.iter().copied().map(object_id).collect();
        let wanted = doc! { "_id": { "$in": ids } };
        let change = doc! { "$unset": { "unannounced": true } };
        let changed = self.sessions.update_many(wanted, change);
        call("note that ends are announced", changed).await?;

        Ok(())
    }

    async fn ids(
        &self,
        wanted: Document,
        batch: usize,
        limit: Option<i64>,
    ) -> Result<Batches, Error> {
        let ids = self.sessions.clone_with_type::<OnlyId>();
        let found = ids
            .find(wanted)
            .projection(doc! { "_id": 1 })
            .batch_size(u32::try_from(batch).unwrap_or(u32::MAX))
            .optional(limit, |found, limit| found.limit(limit));

        Ok(Batches(call(LOOKING, found).await?.try_chunks(batch)))
    }
}

impl Batches {
    /// Nothing when there are no more.
    pub async fn next(&mut self) -> Result<Option<Vec<Id>>, Error> {
        let next = async {
            self.0
                .try_next()
                .await
                .map_err(|TryChunksError(_, error)| error)
        };
        let found = call(LOOKING, next).await?;

        Ok(found.map(|ids| ids.into_iter().map(|found| Id(found.id.bytes())).collect()))
    }
}

/// The sessions of `user` that nobody has ended.
fn open(user: Id) -> Document {
    doc! { "userId": object_id(user), "revokedAt": { "$exists": false } }
}

fn end(now: Timestamp) -> Document {
    doc! { "$set": { "revokedAt": date_time(now), "unannounced": true } }
}

impl From<&Session> for SessionDocument {
    fn from(session: &Session) -> Self {
        Self {
            id: object_id(session.id),
            user_id: object_id(session.user_id),
            password_version: session.password_version,
            device: session.device.clone(),
            created_at: date_time(session.created_at),
            generation: session.generation,
            rotated_at: date_time(session.rotated_at),
            absolute_expiry: date_time(session.absolute_expiry),
            revoked_at: session.revoked_at.map(date_time),
            unannounced: None,
            nonce: Binary {
                subtype: BinarySubtype::Generic,
                bytes: session.nonce.to_vec(),
            },
            key_id: session.key_id.clone(),
        }
    }
}

impl SessionDocument {
    fn read(self) -> Result<Session, Error> {
        let id = Id(self.id.bytes());
        let time = |time| timestamp(time).ok_or(Error::Session(id));
        let nonce: Result<[u8; NONCE_BYTES], _> = self.nonce.bytes.try_into();

        Ok(Session {
            id,
            user_id: Id(self.user_id.bytes()),
            password_version: self.password_version,
            device: self.device,
            created_at: time(self.created_at)?,
            generation: self.generation,
            rotated_at: time(self.rotated_at)?,
            absolute_expiry: time(self.absolute_expiry)?,
            revoked_at: self.revoked_at.map(time).transpose()?,
            nonce: nonce.map_err(|_| Error::Session(id))?,
            key_id: self.key_id,
        })
    }
}
