//! What is kept: a document for each file in the collection `media`, its bytes beside it.
//!
//! The document is written last and deleted last. A file without one does not exist for anybody, and as long as the
//! document is there the bytes it names can be found, so a removal that was cut short can be done again.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, doc};
use mongodb::{Collection, Database};
use serde::{Deserialize, Serialize};
use service_kit::until_ok;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::blob::{Blobs, ReadError, Writer};
use crate::incoming::Incoming;
use crate::media::{Media, MediaId, file_name};
use crate::media_type::MediaType;
use database::{CallError, call};

#[derive(Clone)]
pub struct Store {
    media: Collection<Document>,
    blobs: Blobs,
    /// Uploads being stored and leftovers being deleted; they go on when the request that began them is gone.
    tasks: TaskTracker,
    abandon: CancellationToken,
}

/// A file and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub media: Media,
    file: ObjectId,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: String,
    r#type: MediaType,
    length: i64,
    created_at: DateTime,
    file_id: ObjectId,
}

impl Store {
    pub fn new(database: &Database) -> Self {
        Self {
            media: database.collection("media"),
            blobs: Blobs::new(database),
            tasks: TaskTracker::new(),
            abandon: CancellationToken::new(),
        }
    }

    /// Documents are only ever found by their id, so chunks alone need an index.
    pub async fn create_indexes(&self) -> Result<(), CallError> {
        self.blobs.create_indexes().await
    }

    /// Begins to store a file of `owner`.
    pub fn begin(&self, owner: String, media_type: MediaType) -> Incoming {
        Incoming::new(self.clone(), &self.tasks, owner, media_type)
    }

    pub async fn find(&self, id: MediaId) -> Result<Option<Stored>, CallError> {
        let document = self.media.find_one(doc! { "_id": object_id(id) });
        let document = call("read media", document).await?;

        Ok(document.map(Stored::from))
    }

    /// The bytes of a file from `first` to `last`, both included and both there; `None` when it has just been removed.
    pub async fn read(
        &self,
        stored: &Stored,
        first: u64,
        last: u64,
    ) -> Result<Option<impl Stream<Item = Result<Bytes, ReadError>> + use<>>, CallError> {
        self.blobs.read(stored.file, first, last).await
    }

    /// Removes those of `ids` that belong to `owner`, and says how many there were.
    ///
    /// Bytes first: cut short after them, the document is still there and leads the next attempt to what is left. The
    /// other way round, nothing would know of the bytes any more.
    pub async fn remove_of(&self, owner: &str, ids: &[MediaId]) -> Result<u64, CallError> {
        let ids: Vec<_> = ids.iter().copied().map(object_id).collect();
        let owned = doc! { "_id": { "$in": ids }, "userId": owner };
        let owned = async { self.media.find(owned).await?.try_collect::<Vec<_>>().await };
        let owned = call("find the media to remove", owned).await?;
        for document in &owned {
            self.remove(document.id, document.file_id).await?;
        }

        Ok(owned.len() as u64)
    }

    /// Waits for what is still being stored or deleted, and gives it up after `limit`.
    pub async fn settle(&self, limit: Duration) {
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("uploads were still being settled when the time for it was over");
        }
        self.abandon.cancel();
    }

    pub(crate) fn writer(&self, id: ObjectId, media_type: MediaType) -> Writer {
        self.blobs
            .writer(file_name(MediaId(id.bytes()), media_type))
    }

    /// Makes a file whose bytes are whole known under a new id.
    pub(crate) async fn insert(
        &self,
        id: ObjectId,
        owner: String,
        media_type: MediaType,
        writer: &Writer,
    ) -> Result<MediaId, CallError> {
        let document = Document {
            id,
            user_id: owner,
            r#type: media_type,
            length: i64::try_from(writer.length()).unwrap_or(i64::MAX),
            created_at: DateTime::now(),
            file_id: writer.id(),
        };
        call("store media", self.media.insert_one(document)).await?;

        Ok(MediaId(id.bytes()))
    }

    /// Deletes, sooner or later, what there is of a file nobody was told of.
    pub(crate) fn discard(&self, id: ObjectId, file: ObjectId) {
        let store = self.clone();
        self.tasks.spawn(async move {
            until_ok("delete what is left of an upload", &store.abandon, || {
                store.remove(id, file)
            })
            .await;
        });
    }

    async fn remove(&self, id: ObjectId, file: ObjectId) -> Result<(), CallError> {
        self.blobs.delete(file).await?;
        let document = self.media.delete_one(doc! { "_id": id });
        call("delete media", document).await?;

        Ok(())
    }
}

impl From<Document> for Stored {
    fn from(document: Document) -> Self {
        Self {
            media: Media {
                id: MediaId(document.id.bytes()),
                media_type: document.r#type,
                length: document.length.unsigned_abs(),
            },
            file: document.file_id,
        }
    }
}

fn object_id(id: MediaId) -> ObjectId {
    ObjectId::from_bytes(id.0)
}
