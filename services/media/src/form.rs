//! Reading an uploaded form (RFC 7578) piece by piece: no part of it is ever whole in memory.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::BodyDataStream;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use multer::{Field, Multipart};

use crate::error::Error;

/// The field that carries the file.
const FILE_FIELD: &str = "file";
/// What a form may have beside its file: boundaries, headers, other fields. It bounds what is held in memory too, the
/// few pieces included that were read ahead.
const OVERHEAD_BYTES: u64 = 128 * 1024;
/// How much of a body is looked at at once. A few such pieces of every upload are in memory: one is parsed, one waits,
/// one is written.
const PIECE_BYTES: usize = 16 * 1024;

/// The body of an upload.
pub struct Form {
    body: Metered,
    boundary: String,
    limit: u64,
}

/// A form's file.
pub struct File<'a> {
    field: Field<'a>,
    unclaimed: Arc<AtomicU64>,
    length: u64,
    limit: u64,
}

/// The parts of a form, in order.
pub struct Parts<'a> {
    parts: Multipart<'a>,
    unclaimed: Arc<AtomicU64>,
    limit: u64,
}

impl Form {
    /// The form `request` carries, its file being `limit` bytes long at most. A body that says to be longer is refused
    /// before anything of it is read.
    pub fn open(request: Request, limit: u64) -> Result<Self, Error> {
        let (head, body) = request.into_parts();
        let boundary = boundary(&head.headers)?;
        if declared_length(&head.headers)
            .is_some_and(|length| length > limit.saturating_add(OVERHEAD_BYTES))
        {
            return Err(Error::TooLarge { limit });
        }

        Ok(Self {
            body: Metered::new(body.into_data_stream()),
            boundary,
            limit,
        })
    }

    pub fn parts(&mut self) -> Parts<'_> {
        let unclaimed = self.body.unclaimed.clone();
        let limit = self.limit;

        Parts {
            parts: Multipart::new(&mut self.body, self.boundary.as_str()),
            unclaimed,
            limit,
        }
    }
}

impl<'a> Parts<'a> {
    /// The next part that is a file; other fields are skipped.
    pub async fn next_file(&mut self) -> Result<Option<File<'a>>, Error> {
        while let Some(field) = self
            .parts
            .next_field()
            .await
            .map_err(|error| broken(error, self.limit))?
        {
            if field.name() == Some(FILE_FIELD) {
                return Ok(Some(File {
                    field,
                    unclaimed: self.unclaimed.clone(),
                    length: 0,
                    limit: self.limit,
                }));
            }
        }

        Ok(None)
    }
}

impl File<'_> {
    /// The next bytes, `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let bytes = self
            .field
            .chunk()
            .await
            .map_err(|error| broken(error, self.limit))?;
        if let Some(bytes) = &bytes {
            self.unclaimed
                .fetch_sub(bytes.len() as u64, Ordering::Relaxed);
            self.length += bytes.len() as u64;
            if self.length > self.limit {
                return Err(Error::TooLarge { limit: self.limit });
            }
        }

        Ok(bytes)
    }
}

/// The bytes of a body, as the parser of forms gets them.
///
/// That parser takes as much as it is given and looks for boundaries and headers in all it has taken. So it is given
/// one small piece each time it asks, and no more than [`OVERHEAD_BYTES`] that do not turn out to be the file's.
struct Metered {
    body: BodyDataStream,
    /// Bytes that were read and not yet handed on as bytes of the file.
    unclaimed: Arc<AtomicU64>,
    /// What was read and is given next.
    read: Bytes,
    gave_one: bool,
}

/// There is more around the file than a form needs.
#[derive(Debug, thiserror::Error)]
#[error("the form has more than {OVERHEAD_BYTES} bytes beside its file")]
struct TooMuchAround;

impl Metered {
    fn new(body: BodyDataStream) -> Self {
        Self {
            body,
            unclaimed: Arc::default(),
            read: Bytes::new(),
            gave_one: false,
        }
    }
}

impl Stream for Metered {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.gave_one) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        while self.read.is_empty() {
            match ready!(self.body.poll_next_unpin(context)) {
                Some(Ok(bytes)) => self.read = bytes,
                end => return Poll::Ready(end.map(|end| end.map_err(Into::into))),
            }
        }
        let length = self.read.len().min(PIECE_BYTES);
        let unclaimed = self.unclaimed.fetch_add(length as u64, Ordering::Relaxed) + length as u64;
        if unclaimed > OVERHEAD_BYTES {
            return Poll::Ready(Some(Err(TooMuchAround.into())));
        }
        self.gave_one = true;

        Poll::Ready(Some(Ok(self.read.split_to(length))))
    }
}

fn boundary(headers: &HeaderMap) -> Result<String, Error> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .ok_or(Error::NotAForm)?;

    multer::parse_boundary(content_type).map_err(|error| match error {
        multer::Error::NoBoundary => Error::BrokenForm(error),
        _ => Error::NotAForm,
    })
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn broken(error: multer::Error, limit: u64) -> Error {
    match &error {
        multer::Error::StreamReadFailed(source) if source.is::<TooMuchAround>() => {
            Error::TooLarge { limit }
        }
        _ => Error::BrokenForm(error),
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
#[cfg(test)]
mod tests;
