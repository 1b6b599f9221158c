//! What all requests share, built from the settings.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::HeaderMap;
use prometheus::{IntCounterVec, Opts};
use redis_kit::Redis;
use service_kit::{Authenticator, MAX_JSON_BYTES, Metrics};

use crate::client::Client;
use crate::config::Config;
use crate::instance::Instance;
use crate::openapi::Document;
use crate::rate_limit::RateLimit;
use crate::routes::Body;
use crate::upstream::Upstreams;

/// What a multipart form may add to the file in it: boundaries, the headers of its parts, other fields.
const FORM_OVERHEAD_BYTES: u64 = 128 * 1024;
/// The gateway gives up on a service this long before its own time is over, so that it can still say why.
const MARGIN: Duration = Duration::from_secs(1);
/// Requests without a file are small, and the services give up on their own work after 10 s.
const JSON_TIMEOUT: Duration = Duration::from_secs(15);

pub struct App {
    pub upstreams: Upstreams,
    pub authenticator: Authenticator,
    pub rate_limit: RateLimit,
    pub instance: Instance,
    pub document: Document,
    /// Requests a service did not answer, by service and reason.
    pub failures: IntCounterVec,
    /// How long a service may take until its answer to an upload begins.
    upload_timeout: Duration,
    max_upload_bytes: u64,
    trusted_hops: u8,
}

impl App {
    /// Connects to nothing.
    pub fn new(
        config: &Config,
        authenticator: Authenticator,
        redis: Redis,
        metrics: &Metrics,
    ) -> Self {
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
            upstreams: Upstreams::new(config),
            authenticator,
            rate_limit: RateLimit::new(config, redis, metrics),
            instance: Instance::new(config),
            document: Document::default(),
            failures,
            upload_timeout: time.saturating_sub(MARGIN).max(time / 2),
            max_upload_bytes: config.max_upload_bytes,
            trusted_hops: config.trusted_hops,
        }
    }

    /// Who sent a request with these `headers`.
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> Client {
        Client::of(peer.ip(), headers, self.trusted_hops)
    }

    /// How many bytes the body of a request may have.
    pub fn limit(&self, body: Body) -> u64 {
        match body {
            Body::Json => MAX_JSON_BYTES as u64,
            Body::Upload => self.max_upload_bytes.saturating_add(FORM_OVERHEAD_BYTES),
        }
    }

    /// How long the answer to a request may take to begin, the time its body takes included.
    pub fn timeout(&self, body: Body) -> Duration {
        match body {
            Body::Json => self.upload_timeout.min(JSON_TIMEOUT),
            Body::Upload => self.upload_timeout,
        }
    }
}
