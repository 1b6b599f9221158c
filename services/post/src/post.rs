//! What a post is, and what it may say.

use std::collections::HashSet;
use std::fmt::{self, Display};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

pub const ID_BYTES: usize = 12;

const MAX_CONTENT_CHARS: usize = 5000;
const MAX_MEDIA: usize = 10;
const ID_DIGITS: usize = 2 * ID_BYTES;

/// The id of a post, an account or a file: 24 hex digits, written in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-fA-F]{24}$")]
pub struct Id([u8; ID_BYTES]);

/// The text of a post: never blank, never longer than 5,000 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content(String);

/// The files of a post, in order: 10 at most, none twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaIds(Vec<Id>);

/// What somebody wants to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub author: Id,
    pub content: Content,
    pub media_ids: MediaIds,
}

/// What is to become of a post: what is not named stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub content: Option<Content>,
    pub media_ids: Option<MediaIds>,
}

/// A post as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    #[serde(rename = "_id")]
    pub id: Id,
    /// The author.
    pub user: Id,
    pub content: String,
    pub media_ids: Vec<Id>,
    #[serde(serialize_with = "with_milliseconds")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[serde(serialize_with = "with_milliseconds")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    #[error("the content is blank")]
    Blank,

    #[error("the content has {actual} characters, {MAX_CONTENT_CHARS} are allowed")]
    TooLong { actual: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaIdsError {
    #[error("{actual} files are named, {MAX_MEDIA} are allowed")]
    TooMany { actual: usize },

    #[error("the id at position {position} is not {ID_DIGITS} hex digits")]
    Malformed { position: usize },

    #[error("the file at position {position} is named twice")]
    Twice { position: usize },
}

impl Edit {
    pub fn is_empty(&self) -> bool {
        self.content.is_none() && self.media_ids.is_none()
    }
}

impl Id {
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; ID_BYTES];
        hex::decode_to_slice(text, &mut bytes).ok()?;

        Some(Self(bytes))
    }

    pub fn bytes(self) -> [u8; ID_BYTES] {
        self.0
    }
}

impl From<[u8; ID_BYTES]> for Id {
    fn from(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; ID_DIGITS];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;

        f.write_str(str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Content {
    /// White space around the text is not part of it.
    pub fn parse(text: &str) -> Result<Self, ContentError> {
        let text = text.trim();
        let actual = text.chars().count();
        if actual == 0 {
            return Err(ContentError::Blank);
        }
        if actual > MAX_CONTENT_CHARS {
            return Err(ContentError::TooLong { actual });
        }

        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl MediaIds {
    pub fn parse(ids: &[String]) -> Result<Self, MediaIdsError> {
        let actual = ids.len();
        if actual > MAX_MEDIA {
            return Err(MediaIdsError::TooMany { actual });
        }
        let mut seen = HashSet::new();
        let mut parsed = Vec::with_capacity(actual);
        for (position, text) in ids.iter().enumerate() {
            let id = Id::parse(text).ok_or(MediaIdsError::Malformed { position })?;
            if !seen.insert(id) {
                return Err(MediaIdsError::Twice { position });
            }
            parsed.push(id);
        }

        Ok(Self(parsed))
    }

    pub fn as_ids(&self) -> &[Id] {
        &self.0
    }

    pub fn into_ids(self) -> Vec<Id> {
        self.0
    }
}

/// The current time as a post keeps it.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// RFC 3339 with exactly three digits of a second.
fn with_milliseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

#[cfg(test)]
pub mod tests;
