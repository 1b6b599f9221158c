//! The `operator` program.

use anyhow::Context as _;
use clap::Parser as _;
use operator_controller::config::Config;
use operator_controller::run;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    // Before anything can open a connection: there is one cryptography provider, and everything uses it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = Config::parse();
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false);
    tracing_subscriber::registry()
        .with(config.log_filter.clone())
        .with(json)
        .init();

    let address = config.metrics_address;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("failed to listen on {address}"))?;
    run(config, listener, stop_signal()?).await?;

    Ok(())
}

/// Cancelled by SIGTERM, which Kubernetes sends, and SIGINT, which a terminal sends.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for SIGINT")?;
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop");
        stop.cancel();
    });

    Ok(token)
}
