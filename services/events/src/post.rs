//! Facts about posts, announced by the post service.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Event;

/// A post was written. Its text and files are as they were at `version`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostCreated {
    /// 24 hex digits.
    pub post_id: String,
    /// 24 hex digits.
    pub user_id: String,
    pub content: String,
    pub media_ids: Vec<String>,
    pub created_at: Timestamp,
    /// Grows with every change of the post; the first is 1.
    pub version: u64,
}

impl Event for PostCreated {
    const TYPE: &'static str = "post.created.v1";
}

/// A post was changed. Its text and files are as they are at `version`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostUpdated {
    /// 24 hex digits.
    pub post_id: String,
    /// 24 hex digits.
    pub user_id: String,
    pub content: String,
    pub media_ids: Vec<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// One more than the version that was changed.
    pub version: u64,
}

impl Event for PostUpdated {
    const TYPE: &'static str = "post.updated.v1";
}

/// A post is gone for good, and what others keep of it should go too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostDeleted {
    /// 24 hex digits.
    pub post_id: String,
    /// The author, 24 hex digits.
    pub user_id: String,
    /// Its files, but for those that other posts of its author show.
    pub media_ids: Vec<String>,
    /// One more than the version that was deleted.
    pub version: u64,
}

impl Event for PostDeleted {
    const TYPE: &'static str = "post.deleted.v1";
}
