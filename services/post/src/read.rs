//! `GET /v1/posts/{id}`: one post.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use service_kit::CurrentUser;
use service_kit::openapi::ProblemDocument;

use crate::app::App;
use crate::error::Error;
use crate::post::{Id, Post};

/// The id in a path.
pub struct PathId(pub Id);

/// One post.
#[utoipa::path(
    get,
    path = "/v1/posts/{id}",
    operation_id = "getPost",
    tag = "posts",
    security(("bearer" = [])),
    params(("id" = String, Path, pattern = "^[0-9a-fA-F]{24}$")),
    responses(
        (status = 200, body = Post),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "There is no such post."),
    ),
)]
pub async fn read(
    State(app): State<App>,
    _: CurrentUser,
    PathId(id): PathId,
) -> Result<Json<Post>, Error> {
    let post = app.store.find(id).await?;

    post.map(Json).ok_or(Error::NotFound(id))
}

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Path::<String>::from_request_parts(parts, state)
            .await
            .ok()
            .and_then(|Path(text)| Id::parse(&text))
            .map(Self)
            .ok_or(Error::MalformedId)
    }
}
