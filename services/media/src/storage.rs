//! Where the bytes of files are kept: one trait, three places.
//!
//! Whoever writes here has told the database before, and a file nobody was told of is deleted again; so a place has to
//! take, give and delete, and never to say what it holds.

mod cloudinary;
mod gridfs;
mod places;
mod s3;
mod settings;
mod signature;

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use mongodb::Database;
use mongodb::bson::oid::ObjectId;

use database::CallError;

use crate::media_type::MediaType;
use crate::storage::cloudinary::Cloudinary;
use crate::storage::gridfs::Blobs;
use crate::storage::s3::S3;

pub use settings::{MediaStorage, StorageConfig};

pub type Outcome<'a, T> = BoxFuture<'a, Result<T, StorageError>>;
pub type ByteStream = BoxStream<'static, Result<Bytes, StorageError>>;

/// Keeps bytes under names.
pub trait Storage: Debug + Send + Sync {
    /// Makes what the place needs to work. Repeating it changes nothing.
    fn prepare(&self) -> Outcome<'_, ()>;

    /// Begins a file. Nothing is asked of the place before the first bytes are written.
    fn writer(&self, name: Name) -> Box<dyn Writer>;

    /// The bytes of a file from `first` to `last`, both included and both there; `None` when it has just been removed.
    /// The first bytes are there before this returns, so that a failure can still be said with a status.
    fn read(&self, name: Name, first: u64, last: u64) -> Outcome<'_, Option<ByteStream>>;

    /// Removes a file or what there is of it, `parts` included. Removing what is gone already succeeds.
    fn delete(&self, name: Name, parts: Option<String>) -> Outcome<'_, ()>;
}

/// A file on its way into a place. It is whole once [`finish`](Writer::finish) succeeded.
pub trait Writer: Debug + Send {
    /// Adds `bytes`, of which there are some, to the end.
    fn write(&mut self, bytes: Bytes) -> Outcome<'_, ()>;

    fn finish(&mut self) -> Outcome<'_, ()>;

    /// What [`Storage::delete`] has to know to find the parts of a file that is not whole, once there are any.
    fn parts(&self) -> Option<&str> {
        None
    }
}

/// What a file is called in the place that keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    pub file: ObjectId,
    pub media_type: MediaType,
}

/// A place did not do what it was asked to. Whether a write took place is unknown.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error(transparent)]
    Call(#[from] CallError),

    /// The place is away or too busy; it may be asked again.
    #[error("failed to {doing}")]
    Away {
        doing: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },

    /// The place answered, and not what it should.
    #[error("failed to {doing}")]
    Failed {
        doing: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },

    #[error("failed to read file {file}: some of its bytes are missing")]
    Incomplete { file: ObjectId },
}

/// A place that was found did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer in time")]
struct Silent;

/// A setting of the place is missing or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("MEDIA_STORAGE is {storage}, and {name} is not set")]
    Missing {
        storage: &'static str,
        name: &'static str,
    },

    // Secrets are in it, so it is not quoted.
    #[error("CLOUDINARY_URL is not cloudinary://<key>:<secret>@<cloud>")]
    CloudinaryUrl,

    #[error("the settings of S3 cannot be used")]
    S3(#[source] object_store::Error),

    #[error("failed to set the client of the storage up")]
    Client(#[source] reqwest::Error),
}

impl StorageError {
    /// The caller may try again later: nothing is wrong with what was asked.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Call(call) => call.is_unavailable(),
            Self::Away { .. } => true,
            Self::Failed { .. } | Self::Incomplete { .. } => false,
        }
    }

    fn away(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Away {
            doing,
            source: source.into(),
        }
    }

    fn failed(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed {
            doing,
            source: source.into(),
        }
    }
}

/// The place the settings name. Nothing is asked of it yet: it may be away and come later.
pub fn open(config: &StorageConfig, database: &Database) -> Result<Arc<dyn Storage>, ConfigError> {
    Ok(match config.media_storage {
        MediaStorage::Gridfs => Arc::new(Blobs::new(database)),
        MediaStorage::S3 => Arc::new(S3::new(config)?),
        MediaStorage::Cloudinary => Arc::new(Cloudinary::new(config)?),
    })
}
