//! `DELETE /v1/posts/{id}`: takes a post back.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use service_kit::{CurrentUser, RequestContext};

use crate::app::App;
use crate::error::Error;
use crate::finish::finish;
use crate::post::Id;
use crate::read::PathId;

#[derive(Debug, Serialize)]
pub struct Deleted {
    success: bool,
    message: &'static str,
}

/// Only the author may; the files of the post and the copy search has of it go with its event.
pub async fn delete(
    State(app): State<App>,
    user: CurrentUser,
    context: RequestContext,
    PathId(id): PathId,
) -> Result<Json<Deleted>, Error> {
    let author = Id::parse(&user.id).ok_or(Error::NoAccount)?;
    finish(async move {
        let Some(deleted) = app.store.delete(&id, &author).await? else {
            return Err(match app.store.find(&id).await? {
                Some(_) => Error::NotTheAuthor,
                None => Error::NotFound(id),
            });
        };
        app.announcer.deleted(&deleted, context);

        Ok(())
    })
    .await?;

    Ok(Json(Deleted {
        success: true,
        message: "the post was deleted",
    }))
}
