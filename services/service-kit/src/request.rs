//! What happens around every request: its id, its log line, its metrics, its bounds and the shape of its failure.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use prometheus::IntGauge;
use tokio::sync::Semaphore;
use tracing::{Instrument, info_span};

use crate::context::REQUEST_ID;
use crate::{Metrics, Problem, RequestContext, ServerConfig, problem};

/// What no path is called in metrics and logs: what a client makes up must not become a name.
const UNMATCHED: &str = "unmatched";

/// What is kept of all requests, and what none may exceed.
pub struct Ring {
    metrics: Metrics,
    slots: Semaphore,
    timeout: Duration,
}

impl Ring {
    pub fn new(config: &ServerConfig, metrics: Metrics) -> Self {
        Self {
            metrics,
            slots: Semaphore::new(config.max_concurrent_requests as usize),
            timeout: Duration::from_secs(config.request_timeout_seconds),
        }
    }

    /// Names the request, has it answered within the bounds, and says afterwards what became of it. `route` is the
    /// template of its path, if it has one.
    pub async fn around<F: Future<Output = Response>>(
        &self,
        request: Request,
        route: Option<&str>,
        answer: impl FnOnce(Request, RequestContext) -> F,
    ) -> Response {
        let started = Instant::now();
        let context = RequestContext::of(request.headers());
        let method = known(request.method());
        let route = route.unwrap_or(UNMATCHED);
        let span = info_span!(
            "request",
            requestId = context.request_id.as_str(),
            traceId = context.trace_id()
        );
        let request_id = context.request_id.clone();

        let in_flight = InFlight::one(&self.metrics);
        let response = self
            .bound(answer(request, context))
            .instrument(span.clone())
            .await;
        drop(in_flight);

        let mut response = problem::render(response, &request_id);
        let status = response.status();
        if let Ok(id) = request_id.try_into() {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let took = started.elapsed();
        self.metrics.observe(route, method, &status, took);
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

    /// So many requests at once, so long each, and none takes others with it.
    async fn bound(&self, answer: impl Future<Output = Response>) -> Response {
        let Ok(_slot) = self.slots.try_acquire() else {
            return Problem::overloaded().into_response();
        };
        // On the heap: everything around it would be moved with it, some kilobytes each time.
        let answer = AssertUnwindSafe(Box::pin(answer)).catch_unwind();

        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => {
                tracing::error!("a request handler panicked");
                Problem::internal(&Panicked).into_response()
            }
            Err(_) => {
                tracing::warn!("a request took too long");
                Problem::new(
                    axum::http::StatusCode::SERVICE_UNAVAILABLE,
                    "timeout",
                    "the answer took too long",
                )
                .into_response()
            }
        }
    }
}

/// `routes` with everything around them; unknown paths and methods answer as problems too.
pub(crate) fn wrap(routes: Router, config: &ServerConfig, metrics: Metrics) -> Router {
    let ring = Arc::new(Ring::new(config, metrics));

    routes
        .fallback(|| async { Problem::no_route() })
        .layer(from_fn_with_state(ring, observe))
}

async fn observe(State(ring): State<Arc<Ring>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map(MatchedPath::as_str);
    let answer = |mut request: Request, context| {
        request.extensions_mut().insert::<RequestContext>(context);
        next.run(request)
    };

    ring.around(request, route, answer).await
}

#[derive(Debug, thiserror::Error)]
#[error("a request handler panicked")]
struct Panicked;

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
