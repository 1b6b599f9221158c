//! What is kept: a document for each file in the collection `media`, its bytes in the place for files.
//!
//! The document is written last and deleted last. A file without one does not exist for anybody, and as long as the
//! document is there the bytes it names can be found, so a removal that was cut short can be done again. An upload is
//! noted in `uploads` before its first byte and until its document is there, so that bytes of a process that was
//! killed are found as well.

mod claims;
mod document;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use service_kit::until_ok;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::incoming::Incoming;
use crate::media::MediaId;
use crate::media_type::MediaType;
use crate::storage::{ByteStream, Name, Storage, StorageError, Writer};
use crate::store::claims::Claims;
use crate::store::document::{GoneUser, MediaDocument, PostDocument, UploadDocument};
use database::{Batcher, CallError, call};

pub use crate::store::claims::{ClaimError, PostFiles};
pub use crate::store::document::Stored;

#[derive(Clone)]
pub struct Store {
    media: Collection<MediaDocument>,
    uploads: Collection<UploadDocument>,
    claims: Batcher<PostFiles, Result<PostDocument, ClaimError>>,
    gone_users: Collection<GoneUser>,
    storage: Arc<dyn Storage>,
    /// Uploads being stored and leftovers being deleted; they go on when the request that began them is gone.
    tasks: TaskTracker,
    abandon: CancellationToken,
}

/// A file that is about to be stored.
#[derive(Debug, Clone)]
pub struct NewMedia {
    /// What it will be known by.
    pub id: MediaId,
    pub owner: String,
    pub media_type: MediaType,
    file: ObjectId,
}

impl NewMedia {
    /// Bytes of their own at every try, under an id that may be the same.
    pub fn new(id: MediaId, owner: String, media_type: MediaType) -> Self {
        Self {
            id,
            owner,
            media_type,
            file: ObjectId::new(),
        }
    }

    fn name(&self) -> Name {
        Name {
            file: self.file,
            media_type: self.media_type,
        }
    }
}

impl Store {
    pub fn new(database: &Database, storage: Arc<dyn Storage>) -> Self {
        let claims = Arc::new(Claims::new(database));

        Self {
            media: database.collection("media"),
            uploads: database.collection("uploads"),
            claims: Batcher::new(claims::AT_ONCE, move |posts| {
                let claims = claims.clone();
                async move { claims.make(posts).await }
            }),
            gone_users: database.collection("goneUsers"),
            storage,
            tasks: TaskTracker::new(),
            abandon: CancellationToken::new(),
        }
    }

    /// Makes the indexes, all at once: each is a way to the database and back.
    pub async fn prepare(&self) -> Result<(), StorageError> {
        let index = |keys| IndexModel::builder().keys(keys).build();
        let sparse = IndexOptions::builder().sparse(true).build();
        let unclaimed = IndexModel::builder()
            .keys(doc! { "unclaimedSince": 1 })
            .options(sparse.clone())
            .build();
        let by_post = IndexModel::builder()
            .keys(doc! { "posts": 1 })
            .options(sparse)
            .build();
        // With the length in it, what a person's files take is read from the index alone.
        let by_owner = index(doc! { "userId": 1, "length": 1 });
        let media = async {
            let made = self.media.create_indexes([unclaimed, by_post, by_owner]);
            call("index media", made).await
        };
        let uploads = async {
            let made = self.uploads.create_index(index(doc! { "startedAt": 1 }));
            call("index uploads", made).await
        };
        let own = async { futures::try_join!(media, uploads).map_err(StorageError::from) };
        futures::try_join!(own, self.storage.prepare())?;

        Ok(())
    }

    /// Begins to store a file.
    pub fn begin(&self, media: NewMedia) -> Incoming {
        Incoming::new(self.clone(), &self.tasks, media)
    }

    pub async fn find(&self, id: MediaId) -> Result<Option<Stored>, CallError> {
        let known = doc! { "_id": object_id(id), "removing": { "$ne": true } };
        let document = call("read media", self.media.find_one(known)).await?;

        Ok(document.map(Stored::from))
    }

    /// The bytes of a file from `first` to `last`, both included and both there; `None` when it has just been removed.
    pub async fn read(
        &self,
        stored: &Stored,
        first: u64,
        last: u64,
    ) -> Result<Option<ByteStream>, StorageError> {
        self.storage.read(stored.name, first, last).await
    }

    /// How many bytes the files of `owner` have.
    pub async fn bytes_of(&self, owner: &str) -> Result<u64, CallError> {
        let sum = [
            doc! { "$match": { "userId": owner } },
            doc! { "$group": { "_id": null, "bytes": { "$sum": "$length" } } },
        ];
        let sum = async { self.media.aggregate(sum).await?.try_next().await };
        let sum = call("add a person's files up", sum).await?;

        Ok(sum
            .and_then(|sum| {
                let bytes = sum.get("bytes")?;
                bytes.as_i64().or(bytes.as_i32().map(i64::from))
            })
            .map_or(0, i64::unsigned_abs))
    }

    /// The account of `owner` was deleted.
    pub async fn is_gone(&self, owner: &str) -> Result<bool, CallError> {
        let found = self.gone_users.find_one(doc! { "_id": owner });

        Ok(call("look for a deleted account", found).await?.is_some())
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

    pub(crate) fn writer(&self, media: &NewMedia) -> Box<dyn Writer> {
        self.storage.writer(media.name())
    }

    /// Remembers that bytes of `media` may be in the place for files.
    pub(crate) async fn note_upload(&self, media: &NewMedia) -> Result<(), StorageError> {
        let upload = UploadDocument {
            file_id: media.file,
            r#type: media.media_type,
            parts: None,
            started_at: DateTime::now(),
        };
        call("note an upload", self.uploads.insert_one(upload)).await?;

        Ok(())
    }

    pub(crate) async fn note_parts(
        &self,
        media: &NewMedia,
        parts: Option<&str>,
    ) -> Result<(), StorageError> {
        let noted = self.uploads.update_one(
            doc! { "_id": media.file },
            doc! { "$set": { "parts": parts } },
        );
        call("note the parts of an upload", noted).await?;

        Ok(())
    }

    /// Makes a file whose bytes are whole known. What is left of its note is swept with nothing to delete.
    pub(crate) async fn insert(
        &self,
        media: &NewMedia,
        length: u64,
    ) -> Result<MediaId, StorageError> {
        let now = DateTime::now();
        let document = MediaDocument {
            id: object_id(media.id),
            user_id: media.owner.clone(),
            r#type: media.media_type,
            length: i64::try_from(length).unwrap_or(i64::MAX),
            created_at: now,
            file_id: media.file,
            unclaimed_since: Some(now),
        };
        call("store media", self.media.insert_one(document)).await?;
        let noted = self.uploads.delete_one(doc! { "_id": media.file });
        if let Err(error) = call("forget an upload", noted).await {
            tracing::debug!(%error, "the note of an upload is left to the sweep");
        }

        Ok(media.id)
    }

    /// Deletes, sooner or later, what there is of a file nobody was told of.
    pub(crate) fn discard(&self, media: NewMedia, parts: Option<String>) {
        let store = self.clone();
        self.tasks.spawn(async move {
            until_ok("delete what is left of an upload", &store.abandon, || {
                store.remove(object_id(media.id), media.name(), parts.clone())
            })
            .await;
        });
    }

    /// Removes a file that is known already.
    pub async fn remove_one(&self, id: MediaId) -> Result<(), StorageError> {
        if let Some(stored) = self.find(id).await? {
            self.remove(object_id(id), stored.name, None).await?;
        }

        Ok(())
    }

    /// Bytes first: cut short after them, the document is still there and leads the next attempt to what is left. The
    /// other way round, nothing would know of the bytes any more.
    async fn remove(
        &self,
        id: ObjectId,
        name: Name,
        parts: Option<String>,
    ) -> Result<(), StorageError> {
        self.storage.delete(name, parts).await?;
        let document = self
            .media
            .delete_one(doc! { "_id": id, "fileId": name.file });
        call("delete media", document).await?;
        let upload = self.uploads.delete_one(doc! { "_id": name.file });
        call("forget an upload", upload).await?;

        Ok(())
    }
}

fn object_id(id: MediaId) -> ObjectId {
    ObjectId::from_bytes(id.0)
}
