//! What is searched for, and what is found.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

const MAX_QUERY_CHARS: usize = 200;
const DEFAULT_LIMIT: u8 = 10;
const MAX_LIMIT: u8 = 50;
const ID_DIGITS: usize = 24;

/// The words a person looks for.
///
/// They are words and nothing else: what the database's query language gives a meaning to is taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(String);

/// The id of a post: 24 hex digits, lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostId(String);

/// How many posts are found at most: 1 to 50.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

/// A post that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The same as `post_id`; clients read either.
    #[serde(rename = "_id")]
    pub id: String,
    pub post_id: String,
    /// The author.
    pub user_id: String,
    pub content: String,
    #[serde(serialize_with = "with_milliseconds")]
    pub created_at: Timestamp,
    #[serde(serialize_with = "with_milliseconds")]
    pub updated_at: Timestamp,
    /// How well it fits; comparable within one answer only.
    pub score: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("the query is blank")]
    Blank,

    #[error("the query has {actual} characters, {MAX_QUERY_CHARS} are allowed")]
    TooLong { actual: usize },

    #[error("limit must be a number from 1 to {MAX_LIMIT}")]
    Limit,
}

impl Words {
    /// Nothing when there is no word in `text`, only punctuation: that finds nothing.
    pub fn parse(text: &str) -> Result<Option<Self>, QueryError> {
        if text.trim().is_empty() {
            return Err(QueryError::Blank);
        }
        let actual = text.chars().count();
        if actual > MAX_QUERY_CHARS {
            return Err(QueryError::TooLong { actual });
        }

        // `$text` reads a phrase between quotation marks and an exclusion behind a minus; it splits words at a hyphen
        // anyway. A control character is never part of a word.
        let text = text.replace(
            |letter: char| letter.is_control() || "\"-".contains(letter),
            " ",
        );
        let has_word = text.chars().any(char::is_alphanumeric);

        Ok(has_word.then(|| Self(text.trim().to_owned())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
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
    pub fn parse(text: Option<&str>) -> Result<Self, QueryError> {
        let limit = text.map_or(Ok(DEFAULT_LIMIT), |text| {
            text.parse().map_err(|_| QueryError::Limit)
        })?;

        (1..=MAX_LIMIT)
            .contains(&limit)
            .then_some(Self(limit))
            .ok_or(QueryError::Limit)
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

    fn words(text: &str) -> Option<String> {
        let words = Words::parse(text).expect("a query");
        words.map(|words| words.as_str().to_owned())
    }

    #[test]
    fn a_blank_query_is_refused() {
        for blank in ["", " ", "\n\u{3000}"] {
            assert_eq!(Words::parse(blank), Err(QueryError::Blank), "{blank:?}");
        }
    }

    #[test]
    fn a_query_is_measured_in_characters() {
        assert!(Words::parse(&"é".repeat(200)).is_ok());
        assert_eq!(
            Words::parse(&"é".repeat(201)),
            Err(QueryError::TooLong { actual: 201 })
        );
    }

    #[test]
    fn operators_become_words() {
        assert_eq!(words("\"good morning\"").as_deref(), Some("good morning"));
        assert_eq!(words("-sea harbour").as_deref(), Some("sea harbour"));
        assert_eq!(words("a\u{0}b").as_deref(), Some("a b"));
        assert_eq!(words("well-known").as_deref(), Some("well known"));
        assert_eq!(words("{$gt: 1}").as_deref(), Some("{$gt: 1}"));
    }

    #[test]
    fn a_query_of_symbols_has_no_words() {
        for symbols in ["-", "\"\"", "!?.", "☀", "$ -- {}"] {
            assert_eq!(words(symbols), None, "{symbols}");
        }
    }

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
            assert_eq!(limit(Some(bad)), Err(QueryError::Limit), "{bad}");
        }
    }
}
