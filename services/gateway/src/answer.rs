//! A service's answer on its way to the client.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use crate::headers;
use crate::pace::Pace;

/// Holds the place of its request until it has ended or was given up.
struct AnswerBody {
    inner: Incoming,
    pace: Pace,
    _place: OwnedSemaphorePermit,
}

/// Why an answer is cut; its client sees that it is not whole.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error("the answer took too long")]
    Slow,

    #[error("failed to read the answer")]
    Broken(#[source] hyper::Error),
}

/// The answer as the client gets it; `place` is what it takes until then.
pub fn for_client(answer: Response<Incoming>, place: OwnedSemaphorePermit) -> Response {
    let (mut parts, body) = answer.into_parts();
    headers::strip_hop_by_hop(&mut parts.headers);
    let body = if body.is_end_stream() {
        Body::empty()
    } else {
        Body::new(AnswerBody {
            inner: body,
            pace: Pace::new(),
            _place: place,
        })
    };

    Response::from_parts(parts, body)
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Pending => self
                .pace
                .poll_over(cx)
                .map(|()| Some(Err(AnswerError::Slow))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(AnswerError::Broken(error)))),
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                let is_fast_enough = self.pace.keeps(length);
                Poll::Ready(Some(if is_fast_enough {
                    Ok(frame)
                } else {
                    Err(AnswerError::Slow)
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
