//! What the operator counts, and how it is written for Prometheus.

use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Seconds; a pass at rest takes tens of milliseconds, one that waits for a store seconds.
const DURATION_BUCKETS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Handles to every series; clones count into the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    reconciles: IntCounterVec,
    errors: IntCounterVec,
    duration: Histogram,
    api_writes: IntCounterVec,
    platform_ready: IntGaugeVec,
    leader: IntGauge,
}

impl Metrics {
    pub fn new() -> Result<Self, prometheus::Error> {
        let metrics = Self {
            registry: Registry::new_custom(Some("socialplatform_operator".to_owned()), None)?,
            reconciles: IntCounterVec::new(
                Opts::new(
                    "reconciles_total",
                    "Passes over a SocialPlatform that ended, by result.",
                ),
                &["result"],
            )?,
            errors: IntCounterVec::new(
                Opts::new(
                    "reconcile_errors_total",
                    "Passes over a SocialPlatform that failed, by reason.",
                ),
                &["reason"],
            )?,
            duration: Histogram::with_opts(
                HistogramOpts::new(
                    "reconcile_duration_seconds",
                    "How long a pass over a SocialPlatform took.",
                )
                .buckets(DURATION_BUCKETS.to_vec()),
            )?,
            api_writes: IntCounterVec::new(
                Opts::new(
                    "api_writes_total",
                    "Requests to the API server that are not reads, by resource and verb.",
                ),
                &["resource", "verb"],
            )?,
            platform_ready: IntGaugeVec::new(
                Opts::new(
                    "platform_ready",
                    "1 when the SocialPlatform is Ready, 0 when it is not.",
                ),
                &["namespace", "name"],
            )?,
            leader: IntGauge::new(
                "leader",
                "1 while this process holds the Lease and works, 0 while it waits.",
            )?,
        };

        let registry = &metrics.registry;
        registry.register(Box::new(metrics.reconciles.clone()))?;
        registry.register(Box::new(metrics.errors.clone()))?;
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.api_writes.clone()))?;
        registry.register(Box::new(metrics.platform_ready.clone()))?;
        registry.register(Box::new(metrics.leader.clone()))?;

        Ok(metrics)
    }

    pub fn reconciled(&self, took: Duration) {
        self.reconciles.with_label_values(&["ok"]).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// `reason` is one of a fixed set of words, never text from outside.
    pub fn failed(&self, took: Duration, reason: &'static str) {
        self.reconciles.with_label_values(&["error"]).inc();
        self.errors.with_label_values(&[reason]).inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub fn wrote(&self, resource: &str, verb: &str) {
        self.api_writes.with_label_values(&[resource, verb]).inc();
    }

    pub fn platform_is(&self, namespace: &str, name: &str, ready: bool) {
        self.platform_ready
            .with_label_values(&[namespace, name])
            .set(i64::from(ready));
    }

    /// A platform that is gone has no series, or its last value would be read for ever.
    pub fn platform_is_gone(&self, namespace: &str, name: &str) {
        // Removing what was never there is an error to the library and none to us.
        let _ = self.platform_ready.remove_label_values(&[namespace, name]);
    }

    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    pub fn encode(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_counted_by_resource_and_verb() {
        let metrics = Metrics::new().unwrap();
        metrics.wrote("deployments", "patch");
        metrics.wrote("deployments", "patch");

        let text = metrics.encode().unwrap();

        let line =
            r#"socialplatform_operator_api_writes_total{resource="deployments",verb="patch"} 2"#;
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn a_platform_that_is_gone_leaves_no_series() {
        let metrics = Metrics::new().unwrap();
        metrics.platform_is("social", "demo", true);
        assert!(metrics.encode().unwrap().contains("platform_ready{"));

        metrics.platform_is_gone("social", "demo");
        metrics.platform_is_gone("social", "demo");

        assert!(!metrics.encode().unwrap().contains("platform_ready{"));
    }
}
