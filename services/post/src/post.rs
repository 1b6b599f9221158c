//! What a post is, and what it may say.

use std::collections::HashSet;
use std::fmt::{self, Display};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

const MAX_CONTENT_CHARS: usize = 5000;
const MAX_MEDIA: usize = 10;
const ID_DIGITS: usize = 24;

/// The id of a post, an account or a file: 24 hex digits, lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Id(String);

/// The text of a post: never blank, never longer than 5,000 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Content(String);

/// The files of a post, in order: 10 at most, none twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MediaIds(Vec<Id>);

/// A post as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    #[serde(rename = "_id")]
    pub id: Id,
    /// The author.
    pub user: Id,
    pub content: String,
    pub media_ids: Vec<Id>,
    #[serde(serialize_with = "with_milliseconds")]
    pub created_at: Timestamp,
    #[serde(serialize_with = "with_milliseconds")]
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

impl Id {
    pub fn parse(text: &str) -> Option<Self> {
        let is_id = text.len() == ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());

        is_id.then(|| Self(text.to_ascii_lowercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
            if !seen.insert(id.clone()) {
                return Err(MediaIdsError::Twice { position });
            }
            parsed.push(id);
        }

        Ok(Self(parsed))
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
mod tests {
    use super::*;

    const ID: &str = "673301c8e4b0a1b2c3d4e5f6";

    fn ids(texts: &[&str]) -> Result<MediaIds, MediaIdsError> {
        let texts: Vec<_> = texts.iter().map(ToString::to_string).collect();
        MediaIds::parse(&texts)
    }

    #[test]
    fn an_id_is_24_hex_digits() {
        let upper = ID.to_uppercase();
        assert_eq!(Id::parse(&upper).map(|id| id.to_string()), Some(ID.into()));
        for bad in ["", "1", &ID[1..], &format!("{ID}0"), &ID.replace('6', "g")] {
            assert_eq!(Id::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn blank_content_is_refused() {
        for blank in ["", " ", "\n\t\u{3000}"] {
            assert_eq!(Content::parse(blank), Err(ContentError::Blank), "{blank:?}");
        }
    }

    #[test]
    fn content_is_measured_in_characters_not_bytes() {
        assert!(Content::parse(&"é".repeat(5000)).is_ok());
        assert_eq!(
            Content::parse(&"é".repeat(5001)),
            Err(ContentError::TooLong { actual: 5001 })
        );
    }

    #[test]
    fn white_space_around_content_is_dropped() {
        let content = Content::parse(" a b\n").expect("content");
        assert_eq!(content.into_string(), "a b");
    }

    #[test]
    fn media_are_few_well_formed_and_different() {
        let others: Vec<_> = (0..11).map(|n| format!("{n:024x}")).collect();
        assert!(MediaIds::parse(&others[..10]).is_ok());
        assert!(ids(&[]).is_ok());
        assert_eq!(
            MediaIds::parse(&others),
            Err(MediaIdsError::TooMany { actual: 11 })
        );
        assert_eq!(
            ids(&[ID, "x"]),
            Err(MediaIdsError::Malformed { position: 1 })
        );
        assert_eq!(
            ids(&[ID, &ID.to_uppercase()]),
            Err(MediaIdsError::Twice { position: 1 })
        );
    }

    #[test]
    fn a_post_is_written_with_milliseconds() {
        let id = Id::parse(ID).expect("an id");
        let post = Post {
            id: id.clone(),
            user: id.clone(),
            content: "hi".into(),
            media_ids: vec![id],
            created_at: "2026-11-12T08:30:00.12Z".parse().expect("a time"),
            updated_at: "2026-11-12T08:30:00Z".parse().expect("a time"),
        };

        assert_eq!(
            serde_json::to_value(post).expect("JSON"),
            serde_json::json!({
                "_id": ID,
                "user": ID,
                "content": "hi",
                "mediaIds": [ID],
                "createdAt": "2026-11-12T08:30:00.120Z",
                "updatedAt": "2026-11-12T08:30:00.000Z",
            })
        );
    }
}
