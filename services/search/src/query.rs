//! `GET /v1/search/posts`: the posts that contain words.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use service_kit::openapi::ProblemDocument;
use service_kit::{CurrentUser, Params};
use utoipa::IntoParams;

use crate::app::App;
use crate::document::{Found, Limit};
use crate::error::Error;
use crate::words::Words;

/// Taken as text, so that what is wrong with each is said in words.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// What is looked for. The last word may be the beginning of one, unless something comes behind it.
    #[serde(default)]
    #[param(
        required,
        min_length = 1,
        max_length = 200,
        pattern = r"[^\s\u0085]",
        example = "bird"
    )]
    query: String,
    /// How many posts; 10 if missing.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 50)]
    limit: Option<String>,
}

/// Posts that contain any of the words, best first; those that fit equally well newest first. Of a word that more than
/// 1,000 posts have, the newest count.
#[utoipa::path(
    get,
    path = "/v1/search/posts",
    operation_id = "searchPosts",
    tag = "search",
    security(("bearer" = [])),
    params(Query),
    responses(
        (status = 200, body = Vec<Found>, description = "What was found; nothing when the query is only symbols and \
            words such as \"the\"."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json",
            description = "A parameter is refused; `field` names it."),
    ),
)]
pub async fn search(
    State(app): State<App>,
    _: CurrentUser,
    Params(query): Params<Query>,
) -> Result<Json<Vec<Found>>, Error> {
    let limit = Limit::parse(query.limit.as_deref())?;
    let Some(words) = Words::parse(&query.query)? else {
        return Ok(Json(Vec::new()));
    };
    let hits = app.engine.find(&words, limit).await?;

    Ok(Json(
        hits.into_iter()
            .map(|hit| Found::new(hit, &words))
            .collect(),
    ))
}
