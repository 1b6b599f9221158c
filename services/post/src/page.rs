//! Which part of the list of posts is asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;

use crate::post::{Id, Post};

const DEFAULT_LIMIT: u32 = 10;
const MAX_LIMIT: u32 = 100;
/// The database walks over the posts before a numbered page: 3 ms for so many. A cursor costs nothing at any depth.
const MAX_SKIP: u64 = 10_000;

/// How many posts a page has: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u32);

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A numbered page; the first is 1.
    Page(u64),
    After(Cursor),
}

/// The last post of a page, and the number of the page after it. Clients keep it as text and do not look into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub created_at: Timestamp,
    pub id: Id,
    pub page: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    #[error("limit must be a number from 1 to {MAX_LIMIT}")]
    Limit,

    #[error("page must be a number from 1 on")]
    Page,

    #[error("page is too far from the first, follow nextCursor with cursor instead")]
    TooFar,

    #[error("page and cursor exclude each other")]
    PageAndCursor,

    #[error("cursor is not one that was given as nextCursor")]
    Cursor,
}

impl Limit {
    pub fn parse(text: Option<&str>) -> Result<Self, PageError> {
        let limit = text.map_or(Ok(DEFAULT_LIMIT), |text| {
            text.parse().map_err(|_| PageError::Limit)
        })?;

        (1..=MAX_LIMIT)
            .contains(&limit)
            .then_some(Self(limit))
            .ok_or(PageError::Limit)
    }

    pub fn get(self) -> u32 {
        self.0
    }
}

impl Start {
    pub fn parse(
        page: Option<&str>,
        cursor: Option<&str>,
        limit: Limit,
    ) -> Result<Self, PageError> {
        match (page, cursor) {
            (Some(_), Some(_)) => Err(PageError::PageAndCursor),
            (None, Some(cursor)) => Cursor::parse(cursor).map(Self::After),
            (None, None) => Ok(Self::Page(1)),
            (Some(page), None) => {
                let page = page.parse().map_err(|_| PageError::Page)?;
                if page == 0 {
                    return Err(PageError::Page);
                }
                if skip(page, limit) > MAX_SKIP {
                    return Err(PageError::TooFar);
                }
                Ok(Self::Page(page))
            }
        }
    }

    /// The number of the page.
    pub fn number(&self) -> u64 {
        match self {
            Self::Page(page) => *page,
            Self::After(cursor) => cursor.page,
        }
    }
}

/// How many posts are before a numbered page.
pub fn skip(page: u64, limit: Limit) -> u64 {
    page.saturating_sub(1).saturating_mul(limit.0.into())
}

impl Cursor {
    /// Behind `last`, the last post of page `number`.
    pub fn after(last: &Post, number: u64) -> Self {
        Self {
            created_at: last.created_at,
            id: last.id.clone(),
            page: number.saturating_add(1),
        }
    }

    pub fn parse(text: &str) -> Result<Self, PageError> {
        let bytes = BASE64.decode(text).map_err(|_| PageError::Cursor)?;
        let text = str::from_utf8(&bytes).map_err(|_| PageError::Cursor)?;
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(PageError::Cursor);
        let (millisecond, id, page) = (part()?, part()?, part()?);
        if parts.next().is_some() {
            return Err(PageError::Cursor);
        }

        let millisecond = millisecond.parse().map_err(|_| PageError::Cursor)?;
        Ok(Self {
            created_at: Timestamp::from_millisecond(millisecond).map_err(|_| PageError::Cursor)?,
            id: Id::parse(id).ok_or(PageError::Cursor)?,
            page: page.parse().map_err(|_| PageError::Cursor)?,
        })
    }

    pub fn to_text(&self) -> String {
        let millisecond = self.created_at.as_millisecond();
        BASE64.encode(format!("{millisecond}.{}.{}", self.id, self.page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Result<u32, PageError> {
        Limit::parse(Some(text)).map(Limit::get)
    }

    fn cursor() -> Cursor {
        Cursor {
            created_at: Timestamp::from_millisecond(1_794_472_200_120).expect("a time"),
            id: Id::parse("673301c8e4b0a1b2c3d4e5f6").expect("an id"),
            page: 2,
        }
    }

    #[test]
    fn a_limit_is_1_to_100() {
        assert_eq!(Limit::parse(None).map(Limit::get), Ok(10));
        assert_eq!((limit("1"), limit("100")), (Ok(1), Ok(100)));
        for bad in ["0", "101", "-1", "ten", "", "4294967296", "1.5"] {
            assert_eq!(limit(bad), Err(PageError::Limit), "{bad}");
        }
    }

    #[test]
    fn a_page_is_skipped_to_within_bounds() {
        let start = |page| Start::parse(Some(page), None, Limit(100));

        assert_eq!(start("101"), Ok(Start::Page(101)));
        assert_eq!(start("102"), Err(PageError::TooFar));
        assert_eq!(start("18446744073709551615"), Err(PageError::TooFar));
        for bad in ["0", "-1", "x", "", "18446744073709551616"] {
            assert_eq!(start(bad), Err(PageError::Page), "{bad}");
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let text = cursor().to_text();
        assert_eq!(Cursor::parse(&text), Ok(cursor()));
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
            "{text}"
        );
    }

    #[test]
    fn a_text_that_is_no_cursor_is_refused() {
        let encode = |text: &str| BASE64.encode(text);
        let bad = [
            String::new(),
            "!".to_owned(),
            encode(""),
            encode("1.2"),
            encode("x.673301c8e4b0a1b2c3d4e5f6.2"),
            encode("9223372036854775807.673301c8e4b0a1b2c3d4e5f6.2"),
            encode("1.673301c8e4b0a1b2c3d4e5fx.2"),
            encode("1.673301c8e4b0a1b2c3d4e5f6.2.3"),
            BASE64.encode([0xff, 0xfe]),
            format!("{}A", cursor().to_text()),
        ];
        for text in bad {
            assert_eq!(Cursor::parse(&text), Err(PageError::Cursor), "{text}");
        }
    }

    #[test]
    fn a_list_starts_at_one_place() {
        let text = cursor().to_text();
        let start = |page, cursor| Start::parse(page, cursor, Limit(10));

        assert_eq!(start(None, None), Ok(Start::Page(1)));
        assert_eq!(start(None, Some(&*text)), Ok(Start::After(cursor())));
        assert_eq!(
            start(Some("1"), Some(&*text)),
            Err(PageError::PageAndCursor)
        );
    }
}
