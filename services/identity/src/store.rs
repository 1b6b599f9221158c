//! Accounts and sessions in MongoDB.

mod sessions;
mod users;

use std::sync::Arc;
use std::time::Duration;

use database::{CallError, call};
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use tokio::sync::OnceCell;

use crate::id::Id;
use sessions::SessionDocument;
use users::UserDocument;
pub use users::{Deletion, Taken, Unsettled};

#[derive(Clone)]
pub struct Store {
    users: Collection<UserDocument>,
    sessions: Collection<SessionDocument>,
    prepared: Arc<OnceCell<()>>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Call(#[from] CallError),

    #[error("failed to read session {0}: it is not what this service writes")]
    Session(Id),

    #[error("failed to read account {0}: it is not what this service writes")]
    User(Id),
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
        let of_users = self.users.create_indexes([
            unique(NAME_INDEX, "nameKey"),
            unique(EMAIL_INDEX, "emailKey"),
            partial("unsettled"),
        ]);
        let of_sessions = self.sessions.create_indexes([
            expiring("absoluteExpiry"),
            index(doc! { "userId": 1 }, IndexOptions::default()),
            partial("unannounced"),
            index(
                doc! { "revokedAt": 1 },
                IndexOptions::builder().sparse(true).build(),
            ),
        ]);
        futures::try_join!(
            call("create the indexes of the accounts", of_users),
            call("create the indexes of the sessions", of_sessions),
        )?;

        Ok(())
    }
}

impl Error {
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_unavailable())
    }
}

fn unique(name: &str, field: &str) -> IndexModel {
    let options = IndexOptions::builder()
        .unique(true)
        .name(name.to_owned())
        .build();

    index(doc! { field: 1 }, options)
}

/// The server removes a document soon after the time in `field`.
fn expiring(field: &str) -> IndexModel {
    let options = IndexOptions::builder().expire_after(Duration::ZERO).build();

    index(doc! { field: 1 }, options)
}

/// Holds only the few documents in which `field` is true.
fn partial(field: &str) -> IndexModel {
    let options = IndexOptions::builder()
        .partial_filter_expression(doc! { field: true })
        .build();

    index(doc! { field: 1 }, options)
}

fn index(keys: Document, options: IndexOptions) -> IndexModel {
    IndexModel::builder().keys(keys).options(options).build()
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
