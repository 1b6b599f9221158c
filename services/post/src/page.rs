//! Which part of which list of posts is asked for.

use std::fmt::{self, Display};

use crate::cursor::{Cursor, CursorKey};
use crate::post::Id;

const DEFAULT_LIMIT: u32 = 10;
const MAX_LIMIT: u32 = 100;
/// The database walks over the posts before a numbered page: 3 ms for so many. A cursor costs nothing at any depth.
const MAX_SKIP: u64 = 10_000;

/// One page: of all posts, or of one user's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    pub user: Option<Id>,
    pub limit: Limit,
    pub start: Start,
}

/// How many posts a page has: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit(u32);

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Start {
    /// A numbered page; the first is 1.
    Page(u64),
    After(Cursor),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    #[error("user must be an id, 24 hex digits")]
    User,

    #[error("limit must be a number from 1 to {MAX_LIMIT}")]
    Limit,

    #[error("page must be a number from 1 on")]
    Page,

    #[error("page is too far from the first, follow nextCursor with cursor instead")]
    TooFar,

    #[error("page and cursor exclude each other")]
    PageAndCursor,

    #[error("cursor is not one that was given as nextCursor of this list")]
    Cursor,
}

impl Wanted {
    pub fn parse(
        user: Option<&str>,
        limit: Option<&str>,
        page: Option<&str>,
        cursor: Option<&str>,
        key: &CursorKey,
    ) -> Result<Self, PageError> {
        let user = user.map(|text| Id::parse(text).ok_or(PageError::User));
        let user = user.transpose()?;
        let limit = Limit::parse(limit)?;
        let start = match (page, cursor) {
            (Some(_), Some(_)) => return Err(PageError::PageAndCursor),
            (None, Some(cursor)) => {
                let cursor = Cursor::parse(cursor, user.as_ref(), key);
                Start::After(cursor.ok_or(PageError::Cursor)?)
            }
            (page, None) => Start::Page(number(page, limit)?),
        };

        Ok(Self { user, limit, start })
    }
}

/// Different for all that differ.
impl Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user}:{}:", self.limit.0)?,
            None => write!(f, "all:{}:", self.limit.0)?,
        }
        match &self.start {
            Start::Page(page) => write!(f, "{page}"),
            Start::After(cursor) => {
                let millisecond = cursor.created_at.as_millisecond();
                write!(f, "{millisecond}.{}.{}", cursor.id, cursor.page)
            }
        }
    }
}

impl Limit {
    fn parse(text: Option<&str>) -> Result<Self, PageError> {
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

fn number(page: Option<&str>, limit: Limit) -> Result<u64, PageError> {
    let Some(page) = page else {
        return Ok(1);
    };
    let page = page.parse().map_err(|_| PageError::Page)?;
    if page == 0 {
        return Err(PageError::Page);
    }
    if skip(page, limit) > MAX_SKIP {
        return Err(PageError::TooFar);
    }

    Ok(page)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "673301c8e4b0a1b2c3d4e5f6";

    fn key() -> CursorKey {
        CursorKey::parse(&"5a".repeat(32)).expect("a key")
    }

    fn cursor() -> Cursor {
        Cursor {
            created_at: Timestamp::from_millisecond(1_794_472_200_120).expect("a time"),
            id: Id::parse(ID).expect("an id"),
            page: 2,
        }
    }

    fn start(page: Option<&str>, cursor: Option<&str>) -> Result<Start, PageError> {
        Wanted::parse(None, Some("100"), page, cursor, &key()).map(|wanted| wanted.start)
    }

    #[test]
    fn a_limit_is_1_to_100() {
        let limit = |text| Limit::parse(text).map(Limit::get);

        assert_eq!(limit(None), Ok(10));
        assert_eq!((limit(Some("1")), limit(Some("100"))), (Ok(1), Ok(100)));
        for bad in ["0", "101", "-1", "ten", "", "4294967296", "1.5", "1e1"] {
            assert_eq!(limit(Some(bad)), Err(PageError::Limit), "{bad}");
        }
    }

    #[test]
    fn a_page_is_skipped_to_within_bounds() {
        let start = |page| start(Some(page), None);

        assert_eq!(start("101"), Ok(Start::Page(101)));
        assert_eq!(start("102"), Err(PageError::TooFar));
        assert_eq!(start("18446744073709551615"), Err(PageError::TooFar));
        for bad in ["0", "-1", "x", "", "18446744073709551616"] {
            assert_eq!(start(bad), Err(PageError::Page), "{bad}");
        }
    }

    #[test]
    fn a_list_starts_at_one_place() {
        let text = cursor().to_text(None, &key());

        assert_eq!(start(None, None), Ok(Start::Page(1)));
        assert_eq!(start(None, Some(&text)), Ok(Start::After(cursor())));
        assert_eq!(start(Some("1"), Some(&text)), Err(PageError::PageAndCursor));
    }

    #[test]
    fn a_cursor_stays_with_its_user() {
        let user = Id::parse(ID).expect("an id");
        let text = cursor().to_text(Some(&user), &key());
        let wanted = |user: Option<&str>, cursor: &str| {
            Wanted::parse(user, None, None, Some(cursor), &key())
        };

        let upper = ID.to_uppercase();
        assert!(wanted(Some(ID), &text).is_ok());
        assert!(wanted(Some(&upper), &text).is_ok());
        assert_eq!(wanted(None, &text), Err(PageError::Cursor));
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_is_within_bounds_or_refused(
            user in of("[0-9a-fA-F]{24}|.{0,30}"),
            limit in of("[0-9]{1,4}|.{0,10}"),
            page in of("[0-9]{1,20}|.{0,10}"),
        ) {
            let wanted =
                Wanted::parse(user.as_deref(), limit.as_deref(), page.as_deref(), None, &key());
            if let Ok(wanted) = wanted {
                prop_assert!((1..=MAX_LIMIT).contains(&wanted.limit.get()));
                prop_assert!(skip(wanted.start.number(), wanted.limit) <= MAX_SKIP);
                prop_assert_eq!(wanted.user.is_some(), user.is_some());
            }
        }
    }
}
