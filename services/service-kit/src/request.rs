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

/// What is kept of all requests, and what none may exceed.
struct Around {
    metrics: Metrics,
    slots: Semaphore,
    timeout: Duration,
}

/// `routes` with everything around them; unknown paths and methods answer as problems too.
pub(crate) fn wrap(routes: Router, config: &ServerConfig, metrics: Metrics) -> Router {
    let around = Arc::new(Around {
        metrics,
        slots: Semaphore::new(config.max_concurrent_requests as usize),
        timeout: Duration::from_secs(config.request_timeout_seconds),
    });

    routes
        .fallback(|| async { Problem::no_route() })
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a request handler panicked");
            Problem::internal(&Panicked).into_response()
        }))
        .layer(from_fn_with_state(around, observe))
}

#[derive(Debug, thiserror::Error)]
#[error("a request handler panicked")]
struct Panicked;

/// The outer ring: names the request, and says afterwards what became of it.
async fn observe(State(around): State<Arc<Around>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let context = RequestContext::of(request.headers());
    let method = known(request.method());
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = info_span!(
        "request",
        requestId = context.request_id.as_str(),
        traceId = context.trace_id()
    );
    request.extensions_mut().insert(context.clone());

    let in_flight = InFlight::one(&around.metrics);
    let response = bound(&around, next.run(request))
        .instrument(span.clone())
        .await;
    drop(in_flight);

    let mut response = problem::render(response, &context.request_id);
    let status = response.status();
    if let Ok(id) = context.request_id.parse() {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let took = started.elapsed();
    around.metrics.observe(route, method, &status, took);
    span.in_scope(|| {
        tracing::info!(
            http.method = method,
            http.route = route,
            http.status = status.as_u16(),
            duration_ms = took.as_secs_f64() * 1000.0,
            "answered"
        );
    });

    response
}

/// The inner ring: so many requests at once, so long each.
async fn bound(around: &Around, answer: impl Future<Output = Response>) -> Response {
    let Ok(_slot) = around.slots.try_acquire() else {
        return Problem::overloaded().into_response();
    };

    tokio::time::timeout(around.timeout, answer)
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
