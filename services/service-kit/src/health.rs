//! Whether the process lives, and whether it can do its work.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, Router, routing::get};
use futures::future::{BoxFuture, FutureExt, join_all};
use serde::Serialize;

use crate::Metrics;

/// A check that has not answered by then has failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What a service needs to be ready. `/readyz` asks each part and says why one is not.
#[derive(Default)]
pub struct Health {
    checks: Vec<(&'static str, Needed, Check)>,
    draining: Arc<AtomicBool>,
}

/// Whether a check decides about readiness or is only shown.
type Needed = bool;

/// Something that has to happen once before the service is ready.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<AtomicBool>);

#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<CheckResult>,
}

#[derive(Debug, Serialize)]
struct CheckResult {
    name: &'static str,
    ready: bool,
    needed: Needed,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Gate {
    pub fn open(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Health {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a dependency; `check` is asked at every `/readyz` and answers with the reason when it is away.
    #[must_use]
    pub fn with_check<F>(
        mut self,
        name: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks
            .push((name, true, Box::new(move || check().boxed())));
        self
    }

    /// Adds something that `/readyz` shows and that does not make the service unready.
    #[must_use]
    pub fn with_note<F>(
        mut self,
        name: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks
            .push((name, false, Box::new(move || check().boxed())));
        self
    }

    /// Adds something that has to happen once.
    #[must_use]
    pub fn with_gate(self, name: &'static str, gate: &Gate) -> Self {
        let gate = gate.clone();
        self.with_check(name, move || {
            let open = gate.0.load(Ordering::Acquire);
            async move {
                if open {
                    Ok(())
                } else {
                    Err("not done yet".to_owned())
                }
            }
        })
    }

    /// The switch that makes the service unready because it is about to stop.
    pub(crate) fn draining(&self) -> Arc<AtomicBool> {
        self.draining.clone()
    }

    async fn readiness(&self) -> Readiness {
        let mut checks = join_all(self.checks.iter().map(async |(name, needed, check)| {
            let result = tokio::time::timeout(CHECK_TIMEOUT, check())
                .await
                .unwrap_or_else(|_| Err(format!("no answer within {CHECK_TIMEOUT:?}")));
            CheckResult {
                name,
                ready: result.is_ok(),
                needed: *needed,
                reason: result.err(),
            }
        }))
        .await;
        if self.draining.load(Ordering::Acquire) {
            let reason = Some("the process is about to stop".to_owned());
            checks.push(CheckResult {
                name: "serving",
                ready: false,
                needed: true,
                reason,
            });
        }

        Readiness {
            ready: checks.iter().all(|check| check.ready || !check.needed),
            checks,
        }
    }
}

/// The routes of the admin port.
pub(crate) fn routes(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(Arc::new(health)))
        .route("/metrics", get(move || async move { metrics.text() }))
}

async fn readyz(State(health): State<Arc<Health>>) -> (StatusCode, Json<Readiness>) {
    let readiness = health.readiness().await;
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };

    (status, Json(readiness))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_check_makes_the_service_unready_and_says_why() {
        let health = Health::new()
            .with_check("store", || async { Ok(()) })
            .with_check("broker", || async { Err("connection refused".to_owned()) });
        let readiness = health.readiness().await;

        assert!(!readiness.ready);
        assert_eq!(
            readiness.checks[1].reason.as_deref(),
            Some("connection refused")
        );
    }

    #[tokio::test]
    async fn a_note_is_shown_and_decides_nothing() {
        let health = Health::new().with_note("neighbour", || async { Err("away".to_owned()) });
        let readiness = health.readiness().await;

        assert!(readiness.ready);
        assert_eq!(readiness.checks[0].reason.as_deref(), Some("away"));
    }

    #[tokio::test]
    async fn an_open_gate_is_ready() {
        let gate = Gate::default();
        let health = Health::new().with_gate("indexes", &gate);
        assert!(!health.readiness().await.ready);

        gate.open();
        assert!(health.readiness().await.ready);
    }

    #[tokio::test]
    async fn a_draining_service_is_unready() {
        let health = Health::new();
        health.draining().store(true, Ordering::Release);

        assert!(!health.readiness().await.ready);
    }
}
