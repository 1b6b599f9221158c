//! The identity service: accounts, passwords and sessions.
//!
//! It alone sees passwords, signs access tokens and holds the key of refresh tokens. Every other service learns who
//! somebody is from a signed token and the public keys, and asks nothing here.

pub mod config;

mod app;
mod error;
mod hasher;
mod id;
mod key_set;
mod login;
mod logout;
mod password;
mod refresh;
mod refresh_token;
mod register;
mod routes;
mod session;
mod store;
mod user;

use redis_kit::Redis;
use service_kit::{Gate, Health, Listeners, Metrics, Service, until_ok};
use tokio_util::sync::CancellationToken;

use app::App;
pub use app::StartError;
use config::Config;

/// Serves until `shutdown`. A database that is away is waited for, and `/readyz` says so meanwhile.
pub async fn run(
    config: Config,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let database = database::connect(&config.database, "identity").await?;
    let metrics = Metrics::new();
    let redis = Redis::new(&config.redis)?;
    metrics.register(redis.connected());
    let app = App::new(&config, &database, &metrics)?;
    let indexes = Gate::default();
    let health = Health::new()
        .with_check("mongodb", move || database::check(database.clone()))
        .with_gate("indexes", &indexes)
        .with_note("redis", move || redis.clone().check());

    let background = [
        tokio::spawn(app.hasher.clone().tidy(shutdown.clone())),
        tokio::spawn(prepare(app.clone(), indexes, shutdown.clone())),
    ];
    Service {
        routes: routes::routes(app),
        health,
        metrics,
    }
    .serve(&config.server, listeners, shutdown)
    .await;
    futures::future::join_all(background).await;

    Ok(())
}

async fn prepare(app: App, indexes: Gate, shutdown: CancellationToken) {
    let done = until_ok("create the indexes", &shutdown, || app.store.prepare());
    if done.await.is_some() {
        indexes.open();
    }
}
