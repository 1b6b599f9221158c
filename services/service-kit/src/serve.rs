//! The two ports of a service, from bind to the last answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::linger::Lingering;
use crate::stall::Impatient;
use crate::{Health, Metrics, ServerConfig, health, request};

/// More connections than this wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4096;
/// A client has this long to send its headers; a kept connection may be idle as long.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Request line and headers together.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// After accepting failed (no file descriptors left), wait before trying again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The bound ports of a service.
#[derive(Debug)]
pub struct Listeners {
    pub api: TcpListener,
    pub admin: TcpListener,
}

impl Listeners {
    /// Binds the ports the settings name.
    pub async fn bind(config: &ServerConfig) -> std::io::Result<Self> {
        Ok(Self {
            api: TcpListener::bind(config.listen_address).await?,
            admin: TcpListener::bind(config.admin_address).await?,
        })
    }
}

/// A service that is ready to be served.
pub struct Service<A = Router> {
    /// The public port.
    pub routes: A,
    pub health: Health,
    pub metrics: Metrics,
}

/// What answers the requests of a port.
pub trait Answer: Clone + Send + 'static {
    /// The answer to a request that came by a connection of `peer`.
    fn answer(&self, request: Request, peer: SocketAddr) -> impl Future<Output = Response> + Send;
}

impl Answer for Router {
    async fn answer(&self, mut request: Request, peer: SocketAddr) -> Response {
        request.extensions_mut().insert(ConnectInfo(peer));
        let Ok(response) = self.clone().oneshot(request).await;

        response
    }
}

impl Service {
    /// Serves until `shutdown`, as [`Service::serve_bare`] does, with a [`Ring`](crate::Ring) around every request.
    pub async fn serve(
        self,
        config: &ServerConfig,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) {
        let service = Self {
            routes: request::wrap(self.routes, config, self.metrics.clone()),
            ..self
        };
        service.serve_bare(config, listeners, shutdown).await;
    }
}

impl<A: Answer> Service<A> {
    /// Serves until `shutdown`, then stops without losing a request: unready at once, no new connections, idle ones
    /// closed, `Connection: close` on every further answer, and up to `drain_seconds` for what runs.
    ///
    /// Nothing is put around the answers; that is left to who makes them.
    pub async fn serve_bare(
        self,
        config: &ServerConfig,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) {
        if let (Ok(api), Ok(admin)) = (listeners.api.local_addr(), listeners.admin.local_addr()) {
            tracing::info!(address = %api, admin.address = %admin, "serving");
        }
        let draining = self.health.draining();
        let stop_admin = CancellationToken::new();
        let admin = tokio::spawn(accept(
            listeners.admin,
            health::routes(self.health, self.metrics),
            stop_admin.clone(),
            Duration::ZERO,
        ));
        let on_shutdown = shutdown.clone();
        tokio::spawn(async move {
            on_shutdown.cancelled().await;
            draining.store(true, Ordering::Release);
        });

        accept(
            listeners.api,
            self.routes,
            shutdown,
            Duration::from_secs(config.drain_seconds),
        )
        .await;

        // Health answers to the very end, so that a draining pod is seen as alive.
        stop_admin.cancel();
        if let Err(error) = admin.await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the admin port ended badly"
            );
        }
        tracing::info!("stopped");
    }
}

/// Answers connections until `shutdown`, then waits for what runs, for `drain` at the longest.
async fn accept(
    listener: TcpListener,
    routes: impl Answer,
    shutdown: CancellationToken,
    drain: Duration,
) {
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = next_connection(&listener, &slots) => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "failed to accept a connection"
                );
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let routes = routes.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (parts, body) = request.into_parts();
            let body = if body.is_end_stream() {
                Body::empty()
            } else {
                Body::new(Lingering::new(body, &parts.headers))
            };
            let (routes, request) = (routes.clone(), Request::from_parts(parts, body));
            async move { Ok::<_, Infallible>(routes.answer(request, peer).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(Impatient::new(stream)), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks is its client's affair; what matters was logged with its request.
            let _ = connection.await;
            drop(slot);
        });
    }
    drop(listener);

    if tokio::time::timeout(drain, connections.shutdown())
        .await
        .is_err()
        && !drain.is_zero()
    {
        tracing::warn!("requests were still running when the time to finish them was over");
    }
}

async fn next_connection(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots
        .clone()
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;

    Ok((stream, peer, slot))
}
