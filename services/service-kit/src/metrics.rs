//! What Prometheus reads.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    core::Collector,
};

/// Seconds; from a cached answer to the longest a request may take.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// The metrics of one service: requests by route template, and whatever the service registers itself.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    duration: HistogramVec,
    pub(crate) in_flight: IntGauge,
}

impl Metrics {
    pub fn new() -> Self {
        let requests = IntCounterVec::new(
            Opts::new(
                "http_requests_total",
                "Requests answered, by route template, method and status.",
            ),
            &["route", "method", "status"],
        );
        let duration = HistogramVec::new(
            HistogramOpts::new(
                "http_request_duration_seconds",
                "Time until an answer began, by route template.",
            )
            .buckets(BUCKETS.to_vec()),
            &["route"],
        );
        let in_flight = IntGauge::new("http_requests_in_flight", "Requests being worked on.");
        let metrics = Self {
            registry: Registry::new(),
            requests: requests.expect("the name and labels above are valid"),
            duration: duration.expect("the name and labels above are valid"),
            in_flight: in_flight.expect("the name above is valid"),
        };
        metrics.register(metrics.requests.clone());
        metrics.register(metrics.duration.clone());
        metrics.register(metrics.in_flight.clone());

        metrics
    }

    /// Adds a metric of the service's own.
    ///
    /// # Panics
    /// When its name is taken: a mistake in the service's code, found at its first start.
    pub fn register(&self, metric: impl Collector + 'static) {
        self.registry
            .register(Box::new(metric))
            .expect("each metric has a name of its own");
    }

    pub(crate) fn observe(&self, route: &str, method: &str, status: &StatusCode, took: Duration) {
        self.requests
            .with_label_values(&[route, method, status.as_str()])
            .inc();
        self.duration
            .with_label_values(&[route])
            .observe(took.as_secs_f64());
    }

    pub(crate) fn text(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_default()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
