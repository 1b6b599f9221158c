//! The admin port: `/healthz` (the process), `/readyz` (the API server, with the reason), `/metrics`.

use std::future::Future;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::error;

use crate::api_server::Reach;
use crate::metrics::Metrics;

#[derive(Clone)]
struct Admin {
    metrics: Metrics,
    reach: watch::Receiver<Reach>,
}

/// Serves until `shutdown` resolves.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    reach: watch::Receiver<Reach>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(Admin { metrics, reach });

    axum::serve(listener, routes)
        .with_graceful_shutdown(shutdown)
        .await
}

async fn readyz(State(admin): State<Admin>) -> (StatusCode, String) {
    match &*admin.reach.borrow() {
        Reach::Reached => (StatusCode::OK, "ready\n".to_owned()),
        reach => (StatusCode::SERVICE_UNAVAILABLE, format!("{reach}\n")),
    }
}

async fn metrics_text(State(admin): State<Admin>) -> Result<String, StatusCode> {
    admin.metrics.encode().map_err(|error| {
        error!(
            error = &error as &dyn std::error::Error,
            "failed to write the metrics"
        );
        StatusCode::INTERNAL_SERVER_ERROR
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn readyz_says_what_is_waited_for() {
        let (reached, reach) = watch::channel(Reach::Unknown);
        let admin = Admin {
            metrics: Metrics::new().unwrap(),
            reach,
        };

        let (status, text) = readyz(State(admin.clone())).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text, "waiting for the first answer of the API server\n");

        reached.send_replace(Reach::Reached);
        assert_eq!(readyz(State(admin)).await.0, StatusCode::OK);
    }
}
