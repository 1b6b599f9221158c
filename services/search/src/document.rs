//! How much is asked for, and what is answered.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::engine::Hit;
use crate::highlight::highlight;
use crate::words::Words;

const DEFAULT_LIMIT: u8 = 10;
const MAX_LIMIT: u8 = 50;
const ID_DIGITS: usize = 24;

/// The id of a post: 24 hex digits, lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostId(String);

/// How many posts are found at most: 1 to 50.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

/// A post that was found, as it is answered.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The same as `post_id`; clients read either.
    #[serde(rename = "_id")]
    #[schema(pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    #[schema(pattern = "^[0-9a-f]{24}$")]
    pub post_id: String,
    /// The author.
    pub user_id: String,
    pub content: String,
    #[serde(serialize_with = "with_milliseconds")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[serde(serialize_with = "with_milliseconds")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// How well it fits; comparable within one answer only.
    pub score: f64,
    /// One line of plain text around what was found.
    pub highlight: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("limit must be a number from 1 to {MAX_LIMIT}")]
pub struct LimitError;

impl Found {
    /// What is answered for a hit of a search for `words`.
    pub fn new(hit: Hit, words: &Words) -> Self {
        let post = hit.post;
        Self {
            id: post.id.0.clone(),
            post_id: post.id.0,
            user_id: post.user_id,
            highlight: highlight(&post.content, words),
            content: post.content,
            created_at: post.created_at,
            updated_at: post.updated_at,
            score: hit.score,
        }
    }
}

impl PostId {
    pub fn parse(text: &str) -> Option<Self> {
        let is_id = text.len() == ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());

        is_id.then(|| Self(text.to_ascii_lowercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Limit {
    pub fn parse(text: Option<&str>) -> Result<Self, LimitError> {
        let limit = text.map_or(Ok(DEFAULT_LIMIT), |text| {
            text.parse().map_err(|_| LimitError)
        })?;

        (1..=MAX_LIMIT)
            .contains(&limit)
            .then_some(Self(limit))
            .ok_or(LimitError)
    }

    pub fn get(self) -> u8 {
        self.0
    }
}

/// RFC 3339 with exactly three digits of a second.
fn with_milliseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_24_hex_digits() {
        let id = "673301c8e4b0a1b2c3d4e5f6";
        let parsed = PostId::parse(&id.to_uppercase()).expect("an id");
        assert_eq!(parsed.as_str(), id);
        for bad in ["", "1", &id[1..], &id.replace('6', "g")] {
            assert_eq!(PostId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_limit_is_1_to_50() {
        let limit = |text| Limit::parse(text).map(Limit::get);
        assert_eq!(limit(None), Ok(10));
        assert_eq!((limit(Some("1")), limit(Some("50"))), (Ok(1), Ok(50)));
        for bad in ["0", "51", "-1", "ten", "", "256"] {
            assert_eq!(limit(Some(bad)), Err(LimitError), "{bad}");
        }
    }
}
