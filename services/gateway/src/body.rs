//! A client's body on its way to a service: never held, never longer than allowed.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use hyper::body::{Body as _, Bytes, Frame, SizeHint};

use crate::pace::Pace;

/// How far a body has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nobody has asked for any of it.
    Untouched,
    /// The service has not asked for more.
    Held,
    /// The service asked for more than the client has sent.
    Awaited,
    Whole,
    TooLarge,
    TooSlow,
    Broken,
}

/// A body that is handed on, piece by piece.
pub struct RequestBody(Arc<Mutex<Source>>);

/// Keeps watching a body after it was handed on.
pub struct Watch(Arc<Mutex<Source>>);

struct Source {
    inner: Body,
    limit: u64,
    seen: u64,
    progress: Progress,
    pace: Pace,
}

/// Why the rest of a body is not sent on; what is made of it is decided by who watches.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the body is larger than allowed")]
    TooLarge,

    #[error("the body took too long")]
    TooSlow,

    #[error("failed to read the body")]
    Broken(#[source] axum::Error),
}

impl Watch {
    pub fn progress(&self) -> Progress {
        lock(&self.0).progress
    }

    /// The body once more, as long as nothing of it was taken.
    pub fn again(&self) -> Option<RequestBody> {
        let is_untouched = {
            let source = lock(&self.0);
            source.progress == Progress::Untouched || source.is_empty()
        };

        is_untouched.then(|| RequestBody(self.0.clone()))
    }
}

impl RequestBody {
    pub fn new(inner: Body, limit: u64) -> Self {
        let progress = if inner.is_end_stream() {
            Progress::Whole
        } else {
            Progress::Untouched
        };

        Self(Arc::new(Mutex::new(Source {
            inner,
            limit,
            seen: 0,
            progress,
            pace: Pace::new(),
        })))
    }

    pub fn empty() -> Self {
        Self::new(Body::empty(), 0)
    }

    pub fn watch(&self) -> Watch {
        Watch(self.0.clone())
    }

    /// Whether the client announced more than is allowed.
    pub fn is_announced_too_large(&self) -> bool {
        let source = lock(&self.0);

        source.inner.size_hint().lower() > source.limit
    }
}

impl Source {
    /// Whether there is no body, and never was.
    fn is_empty(&self) -> bool {
        self.progress == Progress::Whole && self.seen == 0
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        let (progress, result) = match polled {
            Poll::Pending => match self.pace.poll_over(cx) {
                Poll::Pending => (Progress::Awaited, Poll::Pending),
                Poll::Ready(()) => (Progress::TooSlow, failure(BodyError::TooSlow)),
            },
            Poll::Ready(None) => (Progress::Whole, Poll::Ready(None)),
            Poll::Ready(Some(Err(error))) => (Progress::Broken, failure(BodyError::Broken(error))),
            Poll::Ready(Some(Ok(frame))) => match self.count(&frame) {
                Progress::TooLarge => (Progress::TooLarge, failure(BodyError::TooLarge)),
                Progress::TooSlow => (Progress::TooSlow, failure(BodyError::TooSlow)),
                progress => (progress, Poll::Ready(Some(Ok(frame)))),
            },
        };
        self.progress = progress;

        result
    }

    fn count(&mut self, frame: &Frame<Bytes>) -> Progress {
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.seen += length as u64;
        if self.seen > self.limit {
            Progress::TooLarge
        } else if !self.pace.keeps(length) {
            Progress::TooSlow
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
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        lock(&self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.0).inner.size_hint()
    }
}

fn failure(error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
    Poll::Ready(Some(Err(error)))
}

/// Never waited for: a body is polled by one connection at a time, and watched when that is done.
fn lock(source: &Mutex<Source>) -> MutexGuard<'_, Source> {
    source.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    fn body(chunks: &'static [&'static str], limit: u64) -> RequestBody {
        let chunks = chunks.iter().map(|chunk| Ok::<_, std::io::Error>(*chunk));
        RequestBody::new(Body::from_stream(stream::iter(chunks)), limit)
    }

    fn silent() -> RequestBody {
        let silent = stream::pending::<Result<Bytes, std::io::Error>>();
        RequestBody::new(Body::from_stream(silent), 5)
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
        let mut body = silent();
        let watch = body.watch();
        let frame = futures::poll!(std::pin::pin!(body.frame()));

        assert!(frame.is_pending());
        assert_eq!(watch.progress(), Progress::Awaited);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_goes_on_sending_nothing_is_given_up() {
        let mut body = silent();
        let watch = body.watch();
        let frame = tokio::time::timeout(Duration::from_secs(60), body.frame()).await;

        assert!(matches!(frame, Ok(Some(Err(BodyError::TooSlow)))));
        assert_eq!(watch.progress(), Progress::TooSlow);
    }

    #[tokio::test]
    async fn a_body_can_be_sent_again_until_some_of_it_was_taken() {
        let mut first = body(&["abc"], 5);
        let watch = first.watch();
        assert!(watch.again().is_some());
        assert!(first.frame().await.is_some());

        assert!(watch.again().is_none());
        assert!(RequestBody::empty().watch().again().is_some());
    }

    #[tokio::test]
    async fn a_body_that_says_its_length_is_judged_by_it() {
        let of = |limit| RequestBody::new(Body::from("abcdef"), limit);

        assert!(of(5).is_announced_too_large());
        assert!(!of(6).is_announced_too_large());
    }

    #[tokio::test]
    async fn no_body_is_whole() {
        assert_eq!(RequestBody::empty().watch().progress(), Progress::Whole);
    }
}
