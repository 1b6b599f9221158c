//! Accounts and sessions in MongoDB.

use std::sync::Arc;

use database::{CallError, call};
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::id::Id;
use crate::refresh_token::NONCE_BYTES;
use crate::session::Session;
use crate::user::{Email, User, UserName};

#[derive(Clone)]
pub struct Store {
    users: Collection<UserDocument>,
    sessions: Collection<SessionDocument>,
    prepared: Arc<OnceCell<()>>,
}

/// What somebody else has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    #[error("this name is taken")]
    Name,

    #[error("there is an account with this e-mail address")]
    Email,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Call(#[from] CallError),

    #[error("failed to read session {0}: it is not what this service writes")]
    Session(Id),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_name: String,
    /// [`UserName::key`]
    name_key: String,
    email: String,
    /// [`Email::key`]
    email_key: String,
    password_hash: String,
    created_at: DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: ObjectId,
    generation: i64,
    rotated_at: DateTime,
    absolute_expiry: DateTime,
    revoked_at: Option<DateTime>,
    nonce: Binary,
    key_id: String,
}

const NAME_INDEX: &str = "name_key";
const EMAIL_INDEX: &str = "email_key";

/// An id nobody has.
pub fn new_id() -> Id {
    Id(ObjectId::new().bytes())
}

impl Store {
    pub fn new(database: &Database) -> Self {
        Self {
            users: database.collection("users"),
            sessions: database.collection("sessions"),
            prepared: Arc::default(),
        }
    }

    /// Creates the indexes, once. Nothing is written before: without them two people could have one name.
    pub async fn prepare(&self) -> Result<(), Error> {
        let prepared = self.prepared.get_or_try_init(|| self.create_indexes());

        prepared.await.copied()
    }

    async fn create_indexes(&self) -> Result<(), Error> {
        let users = [
            unique(NAME_INDEX, "nameKey"),
            unique(EMAIL_INDEX, "emailKey"),
        ];
        let created = self.users.create_indexes(users);
        call("create the indexes of the accounts", created).await?;
        let created = self.sessions.create_index(expiring("absoluteExpiry"));
        call("create the indexes of the sessions", created).await?;

        Ok(())
    }

    /// What of a wanted account belongs to another one already.
    pub async fn taken(&self, name: &UserName, email: &Email) -> Result<Option<Taken>, Error> {
        let (name, email) = (name.key(), email.key());
        let either = doc! { "$or": [{ "nameKey": &name }, { "emailKey": email }] };
        let found = call("look for an account", self.users.find_one(either)).await?;

        Ok(found.map(|user| {
            if user.name_key == name {
                Taken::Name
            } else {
                Taken::Email
            }
        }))
    }

    pub async fn insert_user(
        &self,
        user: &User,
        name: &UserName,
        email: &Email,
        now: Timestamp,
    ) -> Result<(), crate::error::Error> {
        self.prepare().await?;
        let document = UserDocument {
            id: object_id(user.id),
            user_name: user.name.clone(),
            name_key: name.key(),
            email: email.as_str().to_owned(),
            email_key: email.key(),
            password_hash: user.password_hash.clone(),
            created_at: date_time(now),
        };
        match call("store an account", self.users.insert_one(document)).await {
            Ok(_) => Ok(()),
            Err(CallError::Failed { source, .. }) if database::is_duplicate_key(&source) => {
                Err(taken_index(&source).into())
            }
            Err(error) => Err(Error::from(error).into()),
        }
    }

    pub async fn user(&self, id: Id) -> Result<Option<User>, Error> {
        let found = self.users.find_one(doc! { "_id": object_id(id) });

        Ok(call("read an account", found).await?.map(Into::into))
    }

    pub async fn user_by_email(&self, key: &str) -> Result<Option<User>, Error> {
        let found = self.users.find_one(doc! { "emailKey": key });

        Ok(call("read an account", found).await?.map(Into::into))
    }

    pub async fn insert_session(&self, session: &Session) -> Result<(), Error> {
        self.prepare().await?;
        let inserted = self.sessions.insert_one(SessionDocument::from(session));
        call("store a session", inserted).await?;

        Ok(())
    }

    pub async fn session(&self, id: Id) -> Result<Option<Session>, Error> {
        let found = self.sessions.find_one(doc! { "_id": object_id(id) });

        call("read a session", found)
            .await?
            .map(|document| document.read().ok_or(Error::Session(id)))
            .transpose()
    }

    /// Makes `next` of the session's generation before it; false when that is not the one that counts any more.
    pub async fn rotate(&self, next: &Session) -> Result<bool, Error> {
        let before = doc! {
            "_id": object_id(next.id),
            "generation": next.generation - 1,
            "revokedAt": null,
        };
        let change = doc! {
            "$set": { "generation": next.generation, "rotatedAt": date_time(next.rotated_at) },
        };

        let updated = call("rotate a session", self.sessions.update_one(before, change)).await?;

        Ok(updated.modified_count == 1)
    }

    /// Ends a session; false when it had ended.
    pub async fn revoke(&self, id: Id, now: Timestamp) -> Result<bool, Error> {
        let open = doc! { "_id": object_id(id), "revokedAt": null };
        let change = doc! { "$set": { "revokedAt": date_time(now) } };

        let updated = call("end a session", self.sessions.update_one(open, change)).await?;

        Ok(updated.modified_count == 1)
    }
}

impl Error {
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_unavailable())
    }
}

impl From<UserDocument> for User {
    fn from(document: UserDocument) -> Self {
        Self {
            id: Id(document.id.bytes()),
            name: document.user_name,
            password_hash: document.password_hash,
        }
    }
}

impl From<&Session> for SessionDocument {
    fn from(session: &Session) -> Self {
        Self {
            id: object_id(session.id),
            user_id: object_id(session.user_id),
            generation: session.generation,
            rotated_at: date_time(session.rotated_at),
            absolute_expiry: date_time(session.absolute_expiry),
            revoked_at: session.revoked_at.map(date_time),
            nonce: Binary {
                subtype: BinarySubtype::Generic,
                bytes: session.nonce.to_vec(),
            },
            key_id: session.key_id.clone(),
        }
    }
}

impl SessionDocument {
    fn read(self) -> Option<Session> {
        let revoked_at = match self.revoked_at {
            Some(revoked_at) => Some(timestamp(revoked_at)?),
            None => None,
        };
        let nonce: [u8; NONCE_BYTES] = self.nonce.bytes.try_into().ok()?;

        Some(Session {
            id: Id(self.id.bytes()),
            user_id: Id(self.user_id.bytes()),
            generation: self.generation,
            rotated_at: timestamp(self.rotated_at)?,
            absolute_expiry: timestamp(self.absolute_expiry)?,
            revoked_at,
            nonce,
            key_id: self.key_id,
        })
    }
}

/// The server names the index that refused a write in its message and nowhere else:
/// `E11000 duplicate key error collection: identity.users index: email_key dup key: …`.
fn taken_index(error: &mongodb::error::Error) -> Taken {
    let message = error.to_string();
    let index = message.split(" index: ").nth(1).unwrap_or_default();
    if index.starts_with(EMAIL_INDEX) {
        Taken::Email
    } else {
        Taken::Name
    }
}

fn unique(name: &str, field: &str) -> IndexModel {
    let options = IndexOptions::builder()
        .unique(true)
        .name(name.to_owned())
        .build();

    IndexModel::builder()
        .keys(doc! { field: 1 })
        .options(options)
        .build()
}

/// The server removes a document soon after the time in `field`.
fn expiring(field: &str) -> IndexModel {
    let options = IndexOptions::builder()
        .expire_after(std::time::Duration::ZERO)
        .build();

    IndexModel::builder()
        .keys(doc! { field: 1 })
        .options(options)
        .build()
}

fn object_id(id: Id) -> ObjectId {
    ObjectId::from_bytes(id.0)
}

fn date_time(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}

fn timestamp(time: DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(time.timestamp_millis()).ok()
}
