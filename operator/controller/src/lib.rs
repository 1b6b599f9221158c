//! The operator: watches every `SocialPlatform` of a cluster and keeps it as it is wanted.
//!
//! What the objects of a platform look like is the business of `operator-render`; this crate reads, writes, asks and
//! reports. Read it in the order of the modules.

pub mod config;

mod watch;

mod reconcile;

mod apply;
mod credentials;
mod dereference;
mod findings;
mod keys;
mod memory;
mod mongodb;
mod ownership;
mod probe;
mod retention;
mod tier;
mod upgrade;

mod conditions;
mod events;
mod observed;
mod status;
mod workload;

mod admin;
mod api_server;
mod client;
mod error;
mod metrics;

use std::time::Duration;

use operator_render::Defaults;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

pub use crate::error::chain;

use crate::api_server::Reach;
use crate::config::Config;
use crate::events::Events;
use crate::metrics::Metrics;
use crate::reconcile::Context;

/// How long the last readers of health and metrics may take once everything else has ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why the operator could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to register the metrics")]
    Metrics(#[source] prometheus::Error),

    #[error(transparent)]
    Client(client::Error),

    #[error("failed to serve health and metrics")]
    Admin(#[source] std::io::Error),
}

/// Runs until `shutdown` is cancelled, then lets what runs finish. `listener` is where health and metrics are served.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let metrics = Metrics::new().map_err(Error::Metrics)?;
    let client = client::client(metrics.clone())
        .await
        .map_err(Error::Client)?;
    let (reached, mut reach) = tokio::sync::watch::channel(Reach::Unknown);
    info!(
        operator.version = env!("CARGO_PKG_VERSION"),
        platform.version = config.platform_version,
        "starting"
    );

    // Health and metrics are served to the end, so that the last passes can be seen.
    let finished = CancellationToken::new();
    let admin = admin::serve(
        listener,
        metrics.clone(),
        reach.clone(),
        finished.clone().cancelled_owned(),
    );
    let asking = api_server::ask(client.clone(), reached, finished.clone());
    let working = async {
        let is_reached = async {
            reach
                .wait_for(|reach| *reach == Reach::Reached)
                .await
                .is_ok()
        };
        // An operator that is told to stop before it ever started has nothing to finish.
        let started = shutdown.run_until_cancelled(is_reached).await;
        if started == Some(true) {
            let context = Context {
                events: Events::new(client.clone()),
                client,
                defaults: Defaults {
                    version: config.platform_version.clone(),
                },
                moves_versions: config.move_versions,
                resync: config.resync(),
            };
            watch::watch(context, metrics, shutdown.clone()).await;
        }
        finished.cancel();
    };

    let all = async { tokio::join!(admin, asking, working).0 };
    // A reader of metrics that does not go away must not keep the operator.
    let overdue = async {
        finished.cancelled().await;
        tokio::time::sleep(FAREWELL).await;
    };

    let served = tokio::select! {
        served = all => served,
        () = overdue => Ok(()),
    };
    info!("stopped");

    served.map_err(Error::Admin)
}
