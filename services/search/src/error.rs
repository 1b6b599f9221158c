//! Why a request is refused or fails, and the status each reason has.

use axum::response::{IntoResponse, Response};
use service_kit::Problem;

use crate::document::LimitError;
use crate::engine::EngineError;
use crate::words::WordsError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Words(#[from] WordsError),

    #[error(transparent)]
    Limit(#[from] LimitError),

    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Error {
    /// The one table from failure to status and stable code.
    fn problem(&self) -> Problem {
        let detail = self.to_string();
        match self {
            Self::Words(_) => Problem::refused("invalid_query", "query", detail),
            Self::Limit(_) => Problem::refused("invalid_limit", "limit", detail),
            Self::Engine(EngineError::Away(_)) => Problem::unavailable(self),
            Self::Engine(EngineError::NotTheAuthor(_) | EngineError::Failed(_)) => {
                Problem::internal(self)
            }
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}
