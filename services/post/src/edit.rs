//! `PATCH /v1/posts/{id}`: changes a post.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use service_kit::openapi::ProblemDocument;
use service_kit::{CurrentUser, JsonBody, RequestContext};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Error;
use crate::event::origin;
use crate::finish::finish;
use crate::post::{Content, Edit, Id, MediaIds, Post};
use crate::read::PathId;

/// What is missing or `null` stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostEdit {
    /// 1 to 5,000 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 5000,
        pattern = r"[^\s\u0085]",
        example = "A bird over the sea"
    )]
    content: Option<String>,
    /// Up to 10 different ids, in place of those the post has.
    #[schema(value_type = Option<HashSet<Id>>, max_items = 10)]
    media_ids: Option<Vec<String>>,
}

/// Changes a post. Only its author may.
#[utoipa::path(
    patch,
    path = "/v1/posts/{id}",
    operation_id = "editPost",
    tag = "posts",
    security(("bearer" = [])),
    params(("id" = String, Path, pattern = "^[0-9a-fA-F]{24}$")),
    request_body = PostEdit,
    responses(
        (status = 200, body = Post),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json",
            description = "The post is somebody else's."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "There is no such post."),
    ),
)]
pub async fn edit(
    State(app): State<App>,
    user: CurrentUser,
    context: RequestContext,
    PathId(id): PathId,
    JsonBody(body): JsonBody<PostEdit>,
) -> Result<Json<Post>, Error> {
    let author = Id::parse(&user.id).ok_or(Error::NoAccount)?;
    let content = body.content.as_deref().map(Content::parse).transpose()?;
    let media_ids = body.media_ids.as_deref().map(MediaIds::parse).transpose()?;
    let edit = Edit { content, media_ids };
    let post = finish(async move { change(&app, id, author, edit, context).await }).await?;

    Ok(Json(post))
}

async fn change(
    app: &App,
    id: Id,
    author: Id,
    edit: Edit,
    context: RequestContext,
) -> Result<Post, Error> {
    if edit.is_empty() {
        return match app.store.find(id).await? {
            Some(post) if post.user == author => Ok(post),
            Some(_) => Err(Error::NotTheAuthor),
            None => Err(Error::NotFound(id)),
        };
    }
    let updated = app.store.update(id, author, edit, origin(context)).await;
    if !matches!(updated, Ok(None)) {
        app.pages.changed().await;
    }
    let Some(updated) = updated? else {
        return Err(app.not_of_author(id).await?);
    };
    app.relay.announce(updated.clone());

    Ok(updated.post)
}
