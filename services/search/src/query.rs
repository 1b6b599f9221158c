//! `GET /v1/search/posts`: the posts that contain words.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use service_kit::{CurrentUser, Params};

use crate::app::App;
use crate::document::{Found, Limit, Words};
use crate::error::Error;

#[derive(Debug, Deserialize)]
pub struct Query {
    #[serde(default)]
    query: String,
    limit: Option<String>,
}

/// Best first; posts that fit equally well newest first.
pub async fn search(
    State(app): State<App>,
    _: CurrentUser,
    Params(query): Params<Query>,
) -> Result<Json<Vec<Found>>, Error> {
    let limit = Limit::parse(query.limit.as_deref())?;
    let Some(words) = Words::parse(&query.query)? else {
        return Ok(Json(Vec::new()));
    };

    Ok(Json(app.store.search(&words, limit).await?))
}
