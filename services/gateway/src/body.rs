//! A client's body on its way to a service: never held, never longer than allowed.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use hyper::body::{Body as _, Bytes, Frame, SizeHint};

/// How far a body has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The service has not asked for more.
    Held,
    /// The service asked for more than the client has sent.
    Awaited,
    Whole,
    TooLarge,
    Broken,
}

/// Keeps watching a body after it was handed on.
#[derive(Debug, Clone)]
pub struct Watch(Arc<Mutex<Progress>>);

pub struct RequestBody {
    inner: Body,
    limit: u64,
    seen: u64,
    watch: Watch,
}

/// Why the rest of a body is not sent on; what is made of it is decided by who watches.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the body is larger than allowed")]
    TooLarge,

    #[error("failed to read the body")]
    Broken(#[source] axum::Error),
}

impl Watch {
    pub fn progress(&self) -> Progress {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, progress: Progress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}

impl RequestBody {
    pub fn new(inner: Body, limit: u64) -> Self {
        let is_empty = inner.is_end_stream();
        let progress = if is_empty {
            Progress::Whole
        } else {
            Progress::Held
        };

        Self {
            inner,
            limit,
            seen: 0,
            watch: Watch(Arc::new(Mutex::new(progress))),
        }
    }

    pub fn empty() -> Self {
        Self::new(Body::empty(), 0)
    }

    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Whether the client announced more than is allowed.
    pub fn is_announced_too_large(&self) -> bool {
        self.inner.size_hint().lower() > self.limit
    }

    fn count(&mut self, frame: &Frame<Bytes>) -> Progress {
        self.seen += frame.data_ref().map_or(0, Bytes::len) as u64;
        if self.seen > self.limit {
            Progress::TooLarge
        } else if self.inner.is_end_stream() {
            Progress::Whole
        } else {
            Progress::Held
        }
    }
}

impl hyper::body::Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        let (progress, result) = match polled {
            Poll::Pending => (Progress::Awaited, Poll::Pending),
            Poll::Ready(None) => (Progress::Whole, Poll::Ready(None)),
            Poll::Ready(Some(Err(error))) => (
                Progress::Broken,
                Poll::Ready(Some(Err(BodyError::Broken(error)))),
            ),
            Poll::Ready(Some(Ok(frame))) => match self.count(&frame) {
                Progress::TooLarge => (
                    Progress::TooLarge,
                    Poll::Ready(Some(Err(BodyError::TooLarge))),
                ),
                progress => (progress, Poll::Ready(Some(Ok(frame)))),
            },
        };
        self.watch.set(progress);

        result
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    fn body(chunks: &'static [&'static str], limit: u64) -> RequestBody {
        let chunks = chunks.iter().map(|chunk| Ok::<_, std::io::Error>(*chunk));
        RequestBody::new(Body::from_stream(stream::iter(chunks)), limit)
    }

    #[tokio::test]
    async fn a_body_within_the_limit_passes_whole() {
        let body = body(&["abc", "de"], 5);
        let watch = body.watch();
        let passed = body.collect().await.expect("passed").to_bytes();

        assert_eq!(
            (&passed[..], watch.progress()),
            (&b"abcde"[..], Progress::Whole)
        );
    }

    #[tokio::test]
    async fn a_body_is_cut_where_it_exceeds_the_limit() {
        let mut body = body(&["abc", "def", "g"], 5);
        let watch = body.watch();

        assert!(matches!(body.frame().await, Some(Ok(_))));
        assert_eq!(watch.progress(), Progress::Held);
        assert!(matches!(body.frame().await, Some(Err(BodyError::TooLarge))));
        assert_eq!(watch.progress(), Progress::TooLarge);
    }

    #[tokio::test]
    async fn a_client_that_sends_nothing_is_awaited() {
        let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let mut body = RequestBody::new(silent, 5);
        let watch = body.watch();
        let frame = futures::poll!(std::pin::pin!(body.frame()));

        assert!(frame.is_pending());
        assert_eq!(watch.progress(), Progress::Awaited);
    }

    #[test]
    fn a_body_that_says_its_length_is_judged_by_it() {
        let of = |limit| RequestBody::new(Body::from("abcdef"), limit);

        assert!(of(5).is_announced_too_large());
        assert!(!of(6).is_announced_too_large());
    }

    #[test]
    fn no_body_is_whole() {
        assert_eq!(RequestBody::empty().watch().progress(), Progress::Whole);
    }
}
