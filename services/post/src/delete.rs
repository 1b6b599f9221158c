//! `DELETE /v1/posts/{id}`: takes a post back.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use service_kit::openapi::ProblemDocument;
use service_kit::{CurrentUser, RequestContext};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Error;
use crate::event::origin;
use crate::finish::finish;
use crate::post::Id;
use crate::read::PathId;

#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedPost {
    success: bool,
    message: &'static str,
}

/// Deletes a post. Only its author may; its files and what search knows of it go soon after.
#[utoipa::path(
    delete,
    path = "/v1/posts/{id}",
    operation_id = "deletePost",
    tag = "posts",
    security(("bearer" = [])),
    params(("id" = String, Path, pattern = "^[0-9a-fA-F]{24}$")),
    responses(
        (status = 200, body = DeletedPost),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json",
            description = "The post is somebody else's."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "There is no such post."),
    ),
)]
pub async fn delete(
    State(app): State<App>,
    user: CurrentUser,
    context: RequestContext,
    PathId(id): PathId,
) -> Result<Json<DeletedPost>, Error> {
    let author = Id::parse(&user.id).ok_or(Error::NoAccount)?;
    finish(async move {
        let deleted = app.store.delete(id, author, origin(context)).await;
        if !matches!(deleted, Ok(None)) {
            app.pages.changed().await;
        }
        let Some(deleted) = deleted? else {
            return Err(app.not_of_author(id).await?);
        };
        app.relay.announce(deleted);

        Ok(())
    })
    .await?;

    Ok(Json(DeletedPost {
        success: true,
        message: "the post was deleted",
    }))
}
