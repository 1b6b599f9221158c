//! `GET /v1/posts`: the posts, newest first.

use axum::extract::State;
use serde::Deserialize;
use service_kit::openapi::ProblemDocument;
use service_kit::{CurrentUser, Params};
use utoipa::IntoParams;

use crate::app::App;
use crate::error::Error;
use crate::page::Wanted;
use crate::source::{PostPage, Rendered};

/// Taken as text, so that what is wrong with each is said in words.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only the posts of this user.
    #[param(pattern = "^[0-9a-fA-F]{24}$")]
    user: Option<String>,
    /// How many posts; 10 if missing.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The number of the page, for older clients: up to 10,000 posts deep, and not together with `cursor`.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 10_001)]
    page: Option<String>,
    /// The `nextCursor` of the page before, of the same list.
    cursor: Option<String>,
}

/// A page of posts, newest first.
#[utoipa::path(
    get,
    path = "/v1/posts",
    operation_id = "listPosts",
    tag = "posts",
    security(("bearer" = [])),
    params(Query),
    responses(
        (status = 200, body = PostPage, headers(("Link" = String, description = "The next page, if there is one"))),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json",
            description = "A parameter is refused; `field` names it."),
    ),
)]
pub async fn list(
    State(app): State<App>,
    _: CurrentUser,
    Params(query): Params<Query>,
) -> Result<Rendered, Error> {
    let wanted = Wanted::parse(
        query.user.as_deref(),
        query.limit.as_deref(),
        query.page.as_deref(),
        query.cursor.as_deref(),
        &app.cursor_key,
    )?;

    Ok(app.pages.get(wanted).await?)
}
