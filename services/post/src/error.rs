//! Why a request is refused or fails, and the status each reason has.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use database::CallError;
use service_kit::{IdempotencyKey, Problem};

use crate::page::PageError;
use crate::post::{ContentError, Id, MediaIdsError};

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

    #[error("only its author may change or delete a post")]
    NotTheAuthor,

    #[error("a request with this key is being worked on")]
    InProgress,

    #[error("the key belongs to another request")]
    KeyReused,

    #[error(transparent)]
    Store(#[from] CallError),

    /// A read that several requests waited for.
    #[error(transparent)]
    SharedRead(#[from] Arc<CallError>),
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
            Self::Page(PageError::User) => Problem::refused("invalid_user", "user", detail),
            Self::Page(PageError::Limit) => Problem::refused("invalid_limit", "limit", detail),
            Self::Page(PageError::Cursor) => Problem::refused("invalid_cursor", "cursor", detail),
            Self::Page(PageError::Page | PageError::TooFar | PageError::PageAndCursor) => {
                Problem::refused("invalid_page", "page", detail)
            }
            Self::NotFound(_) => Problem::new(StatusCode::NOT_FOUND, "post_not_found", detail),
            Self::NotTheAuthor => Problem::new(StatusCode::FORBIDDEN, "not_the_author", detail),
            Self::InProgress => IdempotencyKey::in_progress(),
            Self::KeyReused => IdempotencyKey::reused(),
            Self::Store(error) => stored(self, error),
            Self::SharedRead(error) => stored(self, error),
        }
    }
}

fn stored(error: &Error, cause: &CallError) -> Problem {
    if cause.is_unavailable() {
        Problem::unavailable(error)
    } else {
        Problem::internal(error)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}
