//! `POST /v1/posts`: writes a post.

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use service_kit::{CurrentUser, JsonBody, RequestContext};

use crate::app::App;
use crate::error::Error;
use crate::finish::finish;
use crate::post::{Content, Id, MediaIds, Post};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewPost {
    content: String,
    /// Clients that have none also send `null`.
    media_ids: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    success: bool,
    message: &'static str,
    new_post: Post,
}

pub async fn create(
    State(app): State<App>,
    user: CurrentUser,
    context: RequestContext,
    JsonBody(body): JsonBody<NewPost>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Created>), Error> {
    let author = Id::parse(&user.id).ok_or(Error::NoAccount)?;
    let content = Content::parse(&body.content)?;
    let media_ids = MediaIds::parse(&body.media_ids.unwrap_or_default())?;
    let stored = finish(async move {
        let stored = app.store.insert(author, content, media_ids).await?;
        app.announcer.created(&stored, context);

        Ok::<_, Error>(stored)
    })
    .await?;

    let location = format!("/v1/posts/{}", stored.post.id);
    let created = Created {
        success: true,
        message: "the post was created",
        new_post: stored.post,
    };
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(created)))
}
