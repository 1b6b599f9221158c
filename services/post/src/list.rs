//! `GET /v1/posts`: the posts, newest first.

use axum::Json;
use axum::extract::State;
use axum::http::header::LINK;
use axum::response::{AppendHeaders, IntoResponse};
use serde::{Deserialize, Serialize};
use service_kit::{CurrentUser, Params};

use crate::app::App;
use crate::error::Error;
use crate::page::{Cursor, Limit, Start};
use crate::post::Post;

#[derive(Debug, Deserialize)]
pub struct Query {
    limit: Option<String>,
    page: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    posts: Vec<Post>,
    current_page: u64,
    total_pages: u64,
    /// An estimate: posts may come and go while it is taken.
    total_posts: u64,
    next_cursor: Option<String>,
}

pub async fn list(
    State(app): State<App>,
    _: CurrentUser,
    Params(query): Params<Query>,
) -> Result<impl IntoResponse, Error> {
    let limit = Limit::parse(query.limit.as_deref())?;
    let start = Start::parse(query.page.as_deref(), query.cursor.as_deref(), limit)?;
    let (page, total) = tokio::try_join!(app.store.page(&start, limit), app.store.count())?;

    let next_cursor = page
        .posts
        .last()
        .filter(|_| page.has_next)
        .map(|last| Cursor::after(last, start.number()).to_text());
    let link = next_cursor.as_ref().map(|cursor| {
        let link = format!(
            r#"</v1/posts?limit={}&cursor={cursor}>; rel="next""#,
            limit.get()
        );
        (LINK, link)
    });
    let list = List {
        posts: page.posts,
        current_page: start.number(),
        total_pages: total.div_ceil(limit.get().into()),
        total_posts: total,
        next_cursor,
    };

    Ok((AppendHeaders(link), Json(list)))
}
