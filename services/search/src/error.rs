//! Why a request is refused or fails, and the status each reason has.

use axum::response::{IntoResponse, Response};
use service_kit::Problem;

use crate::document::QueryError;
use database::CallError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),

    #[error(transparent)]
    Store(#[from] CallError),
}

impl Error {
    /// The one table from failure to status and stable code.
    fn problem(&self) -> Problem {
        let detail = self.to_string();
        match self {
            Self::Query(QueryError::Limit) => Problem::refused("invalid_limit", "limit", detail),
            Self::Query(QueryError::Blank | QueryError::TooLong { .. }) => {
                Problem::refused("invalid_query", "query", detail)
            }
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
