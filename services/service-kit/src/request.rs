//! What happens around every request: its id, its log line, its metrics, its bounds and the shape of its failure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use prometheus::IntGauge;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, info_span};

use crate::context::REQUEST_ID;
use crate::{Metrics, Problem, RequestContext, ServerConfig, problem};

#[derive(Clone)]
struct Bounds {
    slots: Arc<Semaphore>,
    timeout: Duration,
}

/// `routes` with everything around them; unknown paths and methods answer as problems too.
pub(crate) fn wrap(routes: Router, config: &ServerConfig, metrics: Metrics) -> Router {
    let bounds = Bounds {
        slots: Arc::new(Semaphore::new(config.max_concurrent_requests as usize)),
        timeout: Duration::from_secs(config.request_timeout_seconds),
    };

    routes
        .fallback(|| async { Problem::no_route() })
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a request handler panicked");
            Problem::internal(&Panicked).into_response()
        }))
        .layer(from_fn_with_state(bounds, bound))
        .layer(from_fn_with_state(metrics, observe))
}

#[derive(Debug, thiserror::Error)]
#[error("a request handler panicked")]
struct Panicked;

/// The innermost ring: so many requests at once, so long each.
async fn bound(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let Ok(_slot) = bounds.slots.try_acquire() else {
        return Problem::overloaded().into_response();
    };

    tokio::time::timeout(bounds.timeout, next.run(request))
        .await
        .unwrap_or_else(|_| {
            tracing::warn!("a request took too long");
            Problem::new(
                axum::http::StatusCode::SERVICE_UNAVAILABLE,
                "timeout",
                "the answer took too long",
            )
            .into_response()
        })
}

/// The outermost ring: names the request, and says afterwards what became of it.
async fn observe(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let context = RequestContext::of(request.headers());
    let method = known(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let span =
        info_span!("request", requestId = %context.request_id, traceId = %context.trace_id());
    request.extensions_mut().insert(context.clone());

    let in_flight = InFlight::one(&metrics);
    let response = next.run(request).instrument(span.clone()).await;
    drop(in_flight);

    let mut response = problem::render(response, &context.request_id);
    let status = response.status().as_u16();
    if let Ok(id) = context.request_id.parse() {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let took = started.elapsed();
    metrics.observe(&route, method, status, took);
    span.in_scope(|| {
        tracing::info!(
            http.method = method,
            http.route = %route,
            http.status = status,
            duration_ms = took.as_secs_f64() * 1000.0,
            "answered"
        );
    });

    response
}

/// Counts a request until it is answered, or dropped because its client hung up.
struct InFlight(IntGauge);

impl InFlight {
    fn one(metrics: &Metrics) -> Self {
        metrics.in_flight.inc();
        Self(metrics.in_flight.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A method by its name, if it has one that everybody knows: what a client makes up must not become a metric.
fn known(method: &Method) -> &'static str {
    let all = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
    ];

    all.into_iter()
        .find(|name| method == name)
        .unwrap_or("other")
}
