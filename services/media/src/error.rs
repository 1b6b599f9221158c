//! Why a request is refused or fails, and the status each reason has.

use axum::http::header::CONTENT_RANGE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use service_kit::Problem;

use crate::incoming::IncomingError;
use crate::media::MediaId;
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

    #[error("only JPEG, PNG, GIF and WebP pictures and MP4 films are kept")]
    TypeNotAllowed,

    #[error(transparent)]
    Incoming(#[from] IncomingError),

    #[error(transparent)]
    Call(#[from] CallError),
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
            Error::TypeNotAllowed => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type_not_allowed",
                detail,
            ),
            Error::Incoming(IncomingError::Call(call)) | Error::Call(call)
                if call.is_unavailable() =>
            {
                Self::unavailable(error)
            }
            Error::Incoming(_) | Error::Call(_) => Self::internal(error),
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
