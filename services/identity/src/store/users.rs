//! Accounts.

use database::{CallError, call};
use events::Origin;
use futures::TryStreamExt;
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{EMAIL_INDEX, Error, Store, date_time, object_id, timestamp};
use crate::id::Id;
use crate::user::{Email, User, UserName};

/// What somebody else has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    #[error("this name is taken")]
    Name,

    #[error("there is an account with this e-mail address")]
    Email,
}

/// What is announced when an account goes, kept so that it is the same event each time it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletion {
    pub event_id: Uuid,
    pub at: Timestamp,
    pub origin: Origin,
}

/// An account of which something is left to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsettled {
    pub id: Id,
    pub password_version: i64,
    /// See [`User::kept_session`].
    pub kept_session: Option<Id>,
    /// The account goes; without it, the sessions of an older password end.
    pub deletion: Option<Deletion>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_name: String,
    /// [`UserName::key`]
    name_key: String,
    email: String,
    /// [`Email::key`]
    email_key: String,
    password_hash: String,
    password_version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_session: Option<ObjectId>,
    created_at: DateTime,
    /// Present while something is left to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    unsettled: Option<bool>,
    /// From then on nobody has this account; it stays until everybody was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion: Option<DeletionDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeletionDocument {
    event_id: String,
    request_id: String,
    traceparent: String,
}

impl Store {
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

    /// The inner error says what of the account somebody else has.
    pub async fn insert_user(
        &self,
        user: &User,
        name: &UserName,
        email: &Email,
    ) -> Result<Result<(), Taken>, Error> {
        self.prepare().await?;
        let document = UserDocument {
            id: object_id(user.id),
            user_name: user.name.clone(),
            name_key: name.key(),
            email: user.email.clone(),
            email_key: email.key(),
            password_hash: user.password_hash.clone(),
            password_version: user.password_version,
            kept_session: None,
            created_at: date_time(user.created_at),
            unsettled: None,
            deleted_at: None,
            deletion: None,
        };
        match call("store an account", self.users.insert_one(document)).await {
            Ok(_) => Ok(Ok(())),
            Err(CallError::Failed { source, .. }) if database::is_duplicate_key(&source) => {
                Ok(Err(taken_index(&source)))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub async fn user(&self, id: Id) -> Result<Option<User>, Error> {
        self.live_user(doc! { "_id": object_id(id) }).await
    }

    pub async fn user_by_email(&self, key: &str) -> Result<Option<User>, Error> {
        self.live_user(doc! { "emailKey": key }).await
    }

    async fn live_user(&self, mut wanted: Document) -> Result<Option<User>, Error> {
        wanted.insert("deletedAt", doc! { "$exists": false });
        let found = call("read an account", self.users.find_one(wanted)).await?;

        found.map(UserDocument::read).transpose()
    }

    /// Replaces the hash by one of the same password; nothing when it was replaced meanwhile.
    pub async fn rewrite_hash(&self, user: &User, hash: &str) -> Result<(), Error> {
        let same = doc! { "_id": object_id(user.id), "passwordHash": &user.password_hash };
        let change = doc! { "$set": { "passwordHash": hash } };
        call("rewrite a hash", self.users.update_one(same, change)).await?;

        Ok(())
    }

    /// Gives the account another password, and notes that its sessions but `kept` are to end. False when the password is
    /// not the one of `user` any more, or the account has gone.
    pub async fn change_password(&self, user: &User, hash: &str, kept: Id) -> Result<bool, Error> {
        let change = doc! {
            "$set": {
                "passwordHash": hash,
                "passwordVersion": user.password_version + 1,
                "keptSession": object_id(kept),
                "unsettled": true,
            },
        };

        self.change("change a password", user, change).await
    }

    /// The account is nobody's from here on. False when its password is not the one of `user` any more, or when it had
    /// gone.
    pub async fn delete_user(&self, user: &User, deletion: &Deletion) -> Result<bool, Error> {
        let change = doc! {
            "$set": {
                "deletedAt": date_time(deletion.at),
                "deletion": {
                    "eventId": deletion.event_id.to_string(),
                    "requestId": &deletion.origin.request_id,
                    "traceparent": &deletion.origin.traceparent,
                },
                "unsettled": true,
            },
        };

        self.change("delete an account", user, change).await
    }

    async fn change(
        &self,
        doing: &'static str,
        user: &User,
        change: Document,
    ) -> Result<bool, Error> {
        let same = doc! {
            "_id": object_id(user.id),
            "passwordVersion": user.password_version,
            "deletedAt": { "$exists": false },
        };
        let updated = call(doing, self.users.update_one(same, change)).await?;

        Ok(updated.modified_count == 1)
    }

    /// Up to `limit` accounts of which something is left to do.
    pub async fn unsettled(&self, limit: i64) -> Result<Vec<Unsettled>, Error> {
        let found = async {
            let wanted = doc! { "unsettled": true };
            let cursor = self.users.find(wanted).limit(limit).await?;
            cursor.try_collect::<Vec<UserDocument>>().await
        };
        let found = call("look for unsettled accounts", found).await?;

        found.into_iter().map(UserDocument::unsettled).collect()
    }

    /// Nothing is left to do of what `user` says; another change meanwhile is another matter.
    pub async fn settled(&self, user: &Unsettled) -> Result<(), Error> {
        let same = doc! {
            "_id": object_id(user.id),
            "passwordVersion": user.password_version,
            "deletedAt": { "$exists": false },
        };
        let change = doc! { "$unset": { "unsettled": true } };
        call("settle an account", self.users.update_one(same, change)).await?;

        Ok(())
    }

    /// Forgets an account; its name and address are free.
    pub async fn remove_user(&self, id: Id) -> Result<(), Error> {
        let gone = self.users.delete_one(doc! { "_id": object_id(id) });
        call("remove an account", gone).await?;

        Ok(())
    }
}

impl UserDocument {
    fn read(self) -> Result<User, Error> {
        let id = Id(self.id.bytes());

        Ok(User {
            id,
            name: self.user_name,
            email: self.email,
            password_hash: self.password_hash,
            password_version: self.password_version,
            kept_session: self.kept_session.map(|id| Id(id.bytes())),
            created_at: timestamp(self.created_at).ok_or(Error::User(id))?,
        })
    }

    fn unsettled(self) -> Result<Unsettled, Error> {
        let id = Id(self.id.bytes());
        let deletion = match (self.deleted_at, self.deletion) {
            (Some(at), Some(deletion)) => Some(deletion.read(at).ok_or(Error::User(id))?),
            _ => None,
        };

        Ok(Unsettled {
            id,
            password_version: self.password_version,
            kept_session: self.kept_session.map(|id| Id(id.bytes())),
            deletion,
        })
    }
}

impl DeletionDocument {
    fn read(self, at: DateTime) -> Option<Deletion> {
        Some(Deletion {
            event_id: self.event_id.parse().ok()?,
            at: timestamp(at)?,
            origin: Origin {
                request_id: self.request_id,
                traceparent: self.traceparent,
            },
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
