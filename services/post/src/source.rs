//! A page of the list as the bytes of an answer, made from what the database has.

use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use database::CallError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::cursor::{Cursor, CursorKey};
use crate::page::Wanted;
use crate::post::Post;
use crate::store::Store;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Where pages come from.
#[derive(Clone)]
pub struct Source {
    pub store: Store,
    pub cursor_key: CursorKey,
}

/// A page that can be answered as it is: the value of its `Link` header or nothing, a line feed, its JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    bytes: Bytes,
    link: Option<HeaderValue>,
    body: Bytes,
}

/// A page of posts, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostPage {
    posts: Vec<Post>,
    current_page: u64,
    total_pages: u64,
    /// An estimate; a user's posts are counted up to 10,000.
    total_posts: u64,
    /// Leads to the next page; null on the last one.
    next_cursor: Option<String>,
}

impl Source {
    pub async fn read(&self, wanted: &Wanted) -> Result<Rendered, CallError> {
        let (part, total) =
            tokio::try_join!(self.store.part(wanted), self.store.count(wanted.user))?;
        let number = wanted.start.number();
        let next_cursor = part.posts.last().filter(|_| part.has_next).map(|last| {
            Cursor::after(last, number).to_text(wanted.user.as_ref(), &self.cursor_key)
        });
        let link = next_cursor.as_ref().map(|cursor| link(wanted, cursor));
        let page = PostPage {
            posts: part.posts,
            current_page: number,
            total_pages: total.div_ceil(wanted.limit.get().into()),
            total_posts: total,
            next_cursor,
        };

        Ok(Rendered::new(&link.unwrap_or_default(), &page))
    }
}

impl Rendered {
    fn new(link: &str, page: &PostPage) -> Self {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend_from_slice(link.as_bytes());
        bytes.push(b'\n');
        serde_json::to_writer(&mut bytes, page).expect("a page is always writable as JSON");

        Self::from_bytes(bytes.into()).expect("a link is a header's value")
    }

    /// Nothing when these are not the bytes of a page.
    pub fn from_bytes(bytes: Bytes) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let link = bytes.slice(..end);
        let link = HeaderValue::from_maybe_shared(link).ok()?;

        Some(Self {
            link: Some(link).filter(|link| !link.is_empty()),
            body: bytes.slice(end + 1..),
            bytes,
        })
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl IntoResponse for Rendered {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        if let Some(link) = self.link {
            headers.insert(LINK, link);
        }

        response
    }
}

fn link(wanted: &Wanted, cursor: &str) -> String {
    let user = wanted
        .user
        .map_or_else(String::new, |user| format!("user={user}&"));
    let limit = wanted.limit.get();

    format!(r#"</v1/posts?{user}limit={limit}&cursor={cursor}>; rel="next""#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> PostPage {
        PostPage {
            posts: Vec::new(),
            current_page: 1,
            total_pages: 0,
            total_posts: 0,
            next_cursor: None,
        }
    }

    #[test]
    fn a_page_is_answered_as_it_is_kept() {
        for link in ["", r#"</v1/posts?limit=1&cursor=a>; rel="next""#] {
            let rendered = Rendered::new(link, &page());
            let again = Rendered::from_bytes(rendered.bytes().clone()).expect("a page");
            assert_eq!(again, rendered);

            let response = again.into_response();
            let header = response.headers().get(LINK);
            assert_eq!(header.map_or("", |link| link.to_str().expect("text")), link);
            assert_eq!(response.headers()[CONTENT_TYPE], JSON);
        }
    }

    #[test]
    fn other_bytes_are_no_page() {
        for bytes in [&b""[..], b"{}", b"\x00\n{}"] {
            assert_eq!(Rendered::from_bytes(Bytes::from_static(bytes)), None);
        }
    }
}
