//! Why a request is refused or fails, and the status each reason has.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use service_kit::Problem;

use crate::page::PageError;
use crate::post::{ContentError, Id, MediaIdsError};
use database::CallError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("an id has 24 hex digits")]
    MalformedId,

    #[error("the access token names no account")]
    NoAccount,

    #[error(transparent)]
    Content(#[from] ContentError),

    #[error(transparent)]
    MediaIds(#[from] MediaIdsError),

    #[error(transparent)]
    Page(#[from] PageError),

    #[error("there is no post {0}")]
    NotFound(Id),

    #[error("only its author may delete a post")]
    NotTheAuthor,

    #[error(transparent)]
    Store(#[from] CallError),
}

impl Error {
    /// The one table from failure to status and stable code.
    fn problem(&self) -> Problem {
        let detail = self.to_string();
        match self {
            Self::MalformedId => Problem::malformed("malformed_id", detail),
            Self::NoAccount => Problem::unauthorized("token_invalid", detail),
            Self::Content(_) => Problem::refused("invalid_content", "content", detail),
            Self::MediaIds(_) => Problem::refused("invalid_media_ids", "mediaIds", detail),
            Self::Page(PageError::Limit) => Problem::refused("invalid_limit", "limit", detail),
            Self::Page(PageError::Cursor) => Problem::refused("invalid_cursor", "cursor", detail),
            Self::Page(PageError::Page | PageError::TooFar | PageError::PageAndCursor) => {
                Problem::refused("invalid_page", "page", detail)
            }
            Self::NotFound(_) => Problem::new(StatusCode::NOT_FOUND, "post_not_found", detail),
            Self::NotTheAuthor => Problem::new(StatusCode::FORBIDDEN, "not_the_author", detail),
            Self::Store(error) if error.is_unavailable() => Problem::unavailable(self),
            Self::Store(_) => Problem::internal(self),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}
