//! Reading on after a refusal, so that the client sees it.
//!
//! A connection that is closed while the client still sends is reset, and many clients then report the reset instead of
//! the answer that came before it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;

/// How long, and how much, is read and thrown away of a body nobody wanted.
const LINGER: Duration = Duration::from_secs(1);
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

/// A body that is read on for a moment when it is dropped before its end.
pub(crate) struct Lingering {
    /// None at its end.
    inner: Option<Incoming>,
    /// The client sends nothing before it is asked to, which reading would do.
    hesitates: bool,
}

impl Lingering {
    pub(crate) fn new(inner: Incoming, headers: &HeaderMap) -> Self {
        Self {
            inner: Some(inner),
            hesitates: headers.contains_key(EXPECT),
        }
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.hesitates = false;
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(inner).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.inner = None;
        }

        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.inner.as_ref();

        inner.map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if self.hesitates || self.is_end_stream() {
            return;
        }
        if let (Some(rest), Ok(runtime)) = (self.inner.take(), Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LINGER, discard(rest)));
        }
    }
}

async fn discard(mut rest: Incoming) {
    let mut seen = 0;
    while let Some(Ok(frame)) = rest.frame().await {
        seen += frame.data_ref().map_or(0, Bytes::len);
        if seen > MAX_LINGER_BYTES {
            return;
        }
    }
}
