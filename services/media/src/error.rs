//! Why a request is refused or fails, and the status each reason has.

use std::sync::Arc;

use axum::http::header::CONTENT_RANGE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use service_kit::{IdempotencyKey, Problem};

use crate::image_header::HeaderError;
use crate::incoming::IncomingError;
use crate::media::MediaId;
use crate::media_type::MediaType;
use crate::storage::StorageError;
use database::CallError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("an id of media has 24 hex digits")]
    MalformedId,

    #[error("there is no media {0}")]
    NotFound(MediaId),

    #[error("the file has {length} bytes, and the range begins behind them")]
    Range { length: u64 },

    #[error("the request does not say under which host it reached the platform")]
    NoHost,

    #[error("the body must be a form, with content-type multipart/form-data")]
    NotAForm,

    #[error("the form cannot be read")]
    BrokenForm(#[source] multer::Error),

    #[error("the form has no field named file")]
    NoFile,

    #[error("the form has more than one field named file")]
    SecondFile,

    #[error("the file is empty")]
    Empty,

    #[error("the file is larger than {limit} bytes")]
    TooLarge { limit: u64 },

    #[error("only files of these types are kept: {}", listed(.0))]
    TypeNotAllowed(Arc<[MediaType]>),

    #[error(transparent)]
    Header(#[from] HeaderError),

    #[error("all your files together would be larger than {limit} bytes")]
    Quota { limit: u64 },

    #[error("the account of this token does not exist any more")]
    NoAccount,

    #[error("another request with the same key is being worked on")]
    InProgress,

    #[error("the key belongs to another request")]
    KeyReused,

    #[error(transparent)]
    Incoming(#[from] IncomingError),

    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::MalformedId => Self::malformed("malformed_id", detail),
            Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "media_not_found", detail),
            Error::Range { length } => Self::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range_not_satisfiable",
                detail,
            )
            .with_header(CONTENT_RANGE, unsatisfied(*length)),
            Error::NoHost => Self::malformed("malformed_host", detail),
            Error::NotAForm => {
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_multipart", detail)
            }
            Error::BrokenForm(source) => {
                Self::malformed("broken_multipart", format!("{detail}: {source}"))
            }
            Error::NoFile => Self::refused("file_missing", "file", detail),
            Error::SecondFile => Self::refused("too_many_files", "file", detail),
            Error::Empty => Self::refused("file_empty", "file", detail),
            Error::TooLarge { limit } => Self::too_large(*limit),
            Error::TypeNotAllowed(_) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type_not_allowed",
                detail,
            ),
            Error::Header(HeaderError::Broken) => Self::refused("broken_image", "file", detail),
            Error::Header(HeaderError::TooManyPixels) => {
                Self::refused("too_many_pixels", "file", detail)
            }
            Error::Quota { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "quota_exceeded", detail)
            }
            Error::NoAccount => Self::new(StatusCode::UNAUTHORIZED, "token_invalid", detail),
            Error::InProgress => IdempotencyKey::in_progress(),
            Error::KeyReused => IdempotencyKey::reused(),
            Error::Incoming(IncomingError::Storage(storage)) | Error::Storage(storage)
                if storage.is_unavailable() =>
            {
                Self::unavailable(error)
            }
            Error::Incoming(_) | Error::Storage(_) => Self::internal(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(&self).into_response()
    }
}

fn unsatisfied(length: u64) -> HeaderValue {
    HeaderValue::try_from(format!("bytes */{length}")).expect("digits are a header's value")
}

fn listed(types: &[MediaType]) -> String {
    let names: Vec<_> = types.iter().map(|kind| kind.as_str()).collect();

    names.join(", ")
}
