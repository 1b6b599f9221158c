//! The `operator` program.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use operator_controller::config::{Command, Config};
use operator_controller::{chain, check, run};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Reading a StatefulSet, whose parts are wide and lie deep, takes more than the usual 2 MiB in a program that is not optimized.
const STACK_BYTES: usize = 8 * 1024 * 1024;

fn main() -> ExitCode {
    // Before anything can open a connection: there is one cryptography provider, and everything uses it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = Config::parse();
    start_log(&config);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .context("failed to start threads");
    match runtime.and_then(|runtime| runtime.block_on(start(config))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("operator: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn start(config: Config) -> anyhow::Result<()> {
    if let Some(Command::Check) = config.command {
        check(&config).await?;
        println!("the platforms can be listed");
        return Ok(());
    }
    let address = config.metrics_address;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("failed to listen on {address}"))?;
    run(config, listener, stop_signal()?).await?;

    Ok(())
}

fn start_log(config: &Config) {
    // What the client's own layer says of a failed request, whoever made the request says better.
    let filter = config
        .log_filter
        .clone()
        .with_target("kube_client::client::builder", LevelFilter::OFF);
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false);

    tracing_subscriber::registry()
        .with(filter)
        .with(json)
        .init();
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
