//! Connections to a service that know whether one of their requests was answered before.
//!
//! A kept connection may be closed by the service just when it is used again. Only then is a failure no sign of what
//! became of the request, and a harmless one may be sent once more.

use std::future::Future;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::http::{Extensions, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::{Connected, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

/// Whether a connection has brought an answer.
#[derive(Debug, Clone, Default)]
struct HasAnswered(Arc<AtomicBool>);

#[derive(Clone)]
pub struct Connector(pub HttpConnector);

pub struct Connection {
    stream: TokioIo<TcpStream>,
    has_answered: HasAnswered,
}

/// Notes that the connection an answer came by has brought one.
pub fn note_answer(extensions: &mut Extensions) {
    if let Some(HasAnswered(noted)) = extensions.remove() {
        noted.store(true, Ordering::Relaxed);
    }
}

/// Whether `error` happened on a connection that had brought an answer before.
pub fn was_kept(error: &Error) -> bool {
    let mut extensions = Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut extensions);
    }

    extensions
        .get::<HasAnswered>()
        .is_some_and(|HasAnswered(noted)| noted.load(Ordering::Relaxed))
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future =
        Pin<Box<dyn Future<Output = std::result::Result<Connection, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let connecting = self.0.call(address);

        Box::pin(async {
            Ok(Connection {
                stream: connecting.await?,
                has_answered: HasAnswered::default(),
            })
        })
    }
}

impl hyper_util::client::legacy::connect::Connection for Connection {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.has_answered.clone())
    }
}

impl Read for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }
}
