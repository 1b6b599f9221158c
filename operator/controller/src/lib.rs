//! The operator: watches every `SocialPlatform` of a cluster and keeps it as it is wanted.
//!
//! What the objects of a platform look like is the business of `operator-render`; this crate reads, writes, asks and
//! reports. Read it in the order of the modules.

pub mod config;

mod leader;
mod scope;

mod watch;

mod reconcile;

mod apply;
mod clues;
mod credentials;
mod dereference;
mod findings;
mod keys;
mod memory;
mod mongodb;
mod ownership;
mod probe;
mod retention;
mod rotation;
mod tier;
mod upgrade;

mod conditions;
mod diagnosis;
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

use aws_lc_rs::error::Unspecified;
use kube::Client;
use operator_render::Defaults;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

pub use crate::error::chain;

use crate::api_server::{Reach, Refused};
use crate::config::Config;
use crate::events::Events;
use crate::leader::{Election, Lost, Tenure};
use crate::metrics::Metrics;
use crate::reconcile::Context;

/// How long the last readers of health and metrics may take once everything else has ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why the operator could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to register the metrics")]
    Metrics(#[source] prometheus::Error),

    #[error(transparent)]
    Client(client::Error),

    #[error(transparent)]
    Refused(Refused),

    #[error("failed to make up a name: no randomness")]
    Randomness,

    #[error("failed to serve health and metrics")]
    Admin(#[source] std::io::Error),

    #[error("stopped working, for another operator may start: {0}")]
    Lost(Lost),
}

/// Runs until `shutdown` is cancelled, then lets what runs finish. `listener` is where health and metrics are served.
///
/// It works while it holds the Lease, and fails when it loses it: whatever it was doing ends with the process, which is
/// started again to wait for its turn.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let metrics = Metrics::new().map_err(Error::Metrics)?;
    let tenure = Tenure::default();
    let client = client::client(metrics.clone(), tenure.clone())
        .await
        .map_err(Error::Client)?;
    let mut election = election(&config, client.clone(), tenure, metrics.clone())?;
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
    let scope = config.watch_namespaces.clone();
    let asking = api_server::ask(client.clone(), scope.clone(), reached, finished.clone());
    let working = async {
        let is_reached = async {
            reach
                .wait_for(|reach| *reach == Reach::Reached)
                .await
                .is_ok()
        };
        // An operator that is told to stop before it ever started has nothing to finish.
        let started = shutdown.run_until_cancelled(is_reached).await;
        let mut outcome = Ok(());
        if started == Some(true) && election.win(&shutdown).await {
            let context = Context {
                events: Events::new(client.clone()),
                client,
                defaults: Defaults {
                    version: config.platform_version.clone(),
                },
                moves_versions: config.move_versions,
                resync: config.resync(),
            };
            outcome = tokio::select! {
                () = watch::watch(context, &scope, metrics, shutdown.clone()) => Ok(()),
                lost = election.keep() => Err(Error::Lost(lost)),
            };
            if outcome.is_ok() {
                election.release().await;
            }
        }
        finished.cancel();
        outcome
    };

    // A reader of metrics that does not go away must not keep the operator.
    let overdue = async {
        finished.cancelled().await;
        tokio::time::sleep(FAREWELL).await;
    };
    let serving = async {
        tokio::select! {
            (served, ()) = async { tokio::join!(admin, asking) } => served,
            () = overdue => Ok(()),
        }
    };

    let (served, outcome) = tokio::join!(serving, working);
    info!("stopped");

    outcome.and(served.map_err(Error::Admin))
}

/// Asks, once, whether the operator may list what it is to look after, wherever that is.
pub async fn check(config: &Config) -> Result<(), Error> {
    let metrics = Metrics::new().map_err(Error::Metrics)?;
    let client = client::client(metrics, Tenure::default()).await;
    let client = client.map_err(Error::Client)?;

    api_server::check(&client, &config.watch_namespaces)
        .await
        .map_err(Error::Refused)
}

/// This process as a candidate for the Lease.
fn election(
    config: &Config,
    client: Client,
    tenure: Tenure,
    metrics: Metrics,
) -> Result<Election, Error> {
    let namespace = config.pod_namespace.clone();
    let namespace = namespace.unwrap_or_else(|| client.default_namespace().to_owned());
    let me = config.pod_name.clone();
    let me = me.map_or_else(made_up_name, Ok);
    let me = me.map_err(|_unspecified| Error::Randomness)?;

    Ok(Election::new(
        client,
        &namespace,
        config.lease_name.clone(),
        me,
        tenure,
        metrics,
    ))
}

fn made_up_name() -> Result<String, Unspecified> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes)?;

    Ok(format!("operator-{}", hex::encode(bytes)))
}
