//! Documents as they are stored.

use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::media::{Media, MediaId};
use crate::media_type::MediaType;
use crate::storage::Name;

/// A file and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub media: Media,
    pub(super) name: Name,
}

/// A file. Beside these fields it may have `posts`, the ids of the posts that show it, and `removing`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MediaDocument {
    #[serde(rename = "_id")]
    pub id: ObjectId,
    pub user_id: String,
    pub r#type: MediaType,
    pub length: i64,
    pub created_at: DateTime,
    pub file_id: ObjectId,
    /// There as long as no post shows the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclaimed_since: Option<DateTime>,
}

/// An upload that is not known to be whole.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UploadDocument {
    #[serde(rename = "_id")]
    pub file_id: ObjectId,
    pub r#type: MediaType,
    pub parts: Option<String>,
    pub started_at: DateTime,
}

/// The newest that was heard of a post.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostDocument {
    #[serde(rename = "_id")]
    pub id: String,
    pub user_id: String,
    pub version: i64,
    pub media_ids: Vec<ObjectId>,
    pub is_deleted: bool,
}

/// A deleted account, so that an upload that ends later is not kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GoneUser {
    #[serde(rename = "_id")]
    pub id: String,
}

impl MediaDocument {
    pub fn name(&self) -> Name {
        Name {
            file: self.file_id,
            media_type: self.r#type,
        }
    }
}

impl From<MediaDocument> for Stored {
    fn from(document: MediaDocument) -> Self {
        Self {
            name: document.name(),
            media: Media {
                id: MediaId(document.id.bytes()),
                media_type: document.r#type,
                length: document.length.unsigned_abs(),
            },
        }
    }
}
