//! What all requests share, built from the settings.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{IntCounterVec, Opts};
use service_kit::{Authenticator, MAX_JSON_BYTES, Metrics};

use crate::config::Config;
use crate::routes::Body;
use crate::upstream::Upstreams;

/// What a multipart form may add to the file in it: boundaries, the headers of its parts, other fields.
const FORM_OVERHEAD_BYTES: u64 = 128 * 1024;
/// The gateway gives up on a service this long before its own time is over, so that it can still say why.
const MARGIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct App {
    pub upstreams: Arc<Upstreams>,
    pub authenticator: Authenticator,
    /// How long a service may take until its answer begins.
    pub head_timeout: Duration,
    /// Requests a service did not answer, by service and reason.
    pub failures: IntCounterVec,
    max_upload_bytes: u64,
}

impl App {
    /// Connects to nothing.
    pub fn new(config: &Config, authenticator: Authenticator, metrics: &Metrics) -> Self {
        let failures = IntCounterVec::new(
            Opts::new(
                "upstream_failures_total",
                "Requests a service behind the gateway did not answer.",
            ),
            &["upstream", "reason"],
        )
        .expect("the name and labels above are valid");
        metrics.register(failures.clone());
        let time = Duration::from_secs(config.server.request_timeout_seconds);

        Self {
            upstreams: Arc::new(Upstreams::new(config)),
            authenticator,
            head_timeout: time.saturating_sub(MARGIN).max(time / 2),
            failures,
            max_upload_bytes: config.max_upload_bytes,
        }
    }

    /// How many bytes the body of a request may have.
    pub fn limit(&self, body: Body) -> u64 {
        match body {
            Body::Json => MAX_JSON_BYTES as u64,
            Body::Upload => self.max_upload_bytes.saturating_add(FORM_OVERHEAD_BYTES),
        }
    }
}
