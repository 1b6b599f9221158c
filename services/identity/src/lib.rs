//! The identity service: accounts, passwords and sessions.
//!
//! It alone sees passwords, signs access tokens and holds the key of refresh tokens. Every other service learns who
//! somebody is from a signed token and the public keys, and asks nothing here.

pub mod config;

mod app;
mod routes;

mod account;
mod change_password;
mod key_set;
mod login;
mod logout;
mod refresh;
mod register;
mod sessions;

mod id;
mod password;
mod random;
mod refresh_token;
mod session;
mod user;

mod announce;
mod backoff;
mod client;
mod error;
mod hash;
mod hasher;
mod proof;
mod settle;
mod store;

use bus::{Broker, Publisher};
use redis_kit::Redis;
use service_kit::{Gate, Health, Listeners, Metrics, Service, until_ok};
use tokio_util::sync::CancellationToken;

use announce::Announcing;
use app::App;
pub use app::StartError;
use config::Config;
use settle::Settling;

/// Serves until `shutdown`. A database that is away is waited for, and `/readyz` says so meanwhile. Nobody waits for
/// Redis and RabbitMQ: what they are to be told waits in the database.
pub async fn run(
    config: Config,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let database = database::connect(&config.database, "identity").await?;
    let metrics = Metrics::new();
    let redis = Redis::new(&config.redis)?;
    metrics.register(redis.connected());
    let broker = Broker::new(&config.bus, "identity")?;
    let authenticator = redis_kit::sessions::authenticator(&config.token, &redis, &shutdown)?;
    let app = App::new(&config, &database, redis.clone(), authenticator, &metrics)?;
    let publisher = Publisher::start(&broker);
    metrics.register(publisher.connected());
    metrics.register(publisher.published());
    metrics.register(publisher.unconfirmed());
    let announcing = Announcing::new(app.store.clone(), &redis);
    let settling = Settling {
        store: app.store.clone(),
        publisher: publisher.clone(),
        announcer: app.announcer.clone(),
    };
    let indexes = Gate::default();
    let health = Health::new()
        .with_check("mongodb", move || database::check(database.clone()))
        .with_gate("indexes", &indexes)
        .with_note("redis", move || redis.clone().check())
        .with_note("rabbitmq", move || std::future::ready(publisher.ready()));

    let background = [
        tokio::spawn(prepare(app.clone(), indexes, shutdown.clone())),
        tokio::spawn(announcing.run(app.announcer.clone(), shutdown.clone())),
        tokio::spawn(settling.run(app.settler.clone(), shutdown.clone())),
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
    let done = until_ok("create the indexes", &shutdown, || app.prepare());
    if done.await.is_some() {
        indexes.open();
    }
}
