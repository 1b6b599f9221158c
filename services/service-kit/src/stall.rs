//! Clients that do not take their answer.
//!
//! While a client reads nothing, nothing else on its connection is looked at, so only the connection itself can notice.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A client that has taken nothing for so long is cut off.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that breaks when nothing can be written to it for too long.
pub(crate) struct Impatient<S> {
    stream: S,
    /// Runs while the client is waited for.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl<S> Impatient<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            timer: None,
            is_waiting: false,
        }
    }

    fn bounded(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<Result<usize>>,
    ) -> Poll<Result<usize>> {
        if written.is_ready() {
            self.is_waiting = false;
            return written;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        if !self.is_waiting {
            self.is_waiting = true;
            timer.as_mut().reset(Instant::now() + PATIENCE);
        }

        timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(Error::new(ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);

        self.bounded(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);

        self.bounded(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_cut_off() {
        let (near, mut far) = duplex(4);
        let mut near = Impatient::new(near);
        near.write_all(b"full").await.expect("room for it");

        // As long as something is taken now and then, there is no end to it.
        for _ in 0..3 {
            let waited = timeout(PATIENCE - MOMENT, near.write_all(b"more")).await;
            assert!(waited.is_err());
            far.read_exact(&mut [0; 4]).await.expect("what was written");
            near.write_all(b"next").await.expect("room again");
        }
        let cut = timeout(PATIENCE + MOMENT, near.write_all(b"more")).await;
        let error = cut.expect("in time").expect_err("cut off");

        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
