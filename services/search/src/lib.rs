//! The search service: finds posts by their words, in a copy of its own.
//!
//! The copy follows the events of posts and accounts, in whatever order and however often they arrive; nobody else's database is
//! read. What was posted is found a moment later, and what was deleted stays deleted.

pub mod config;

mod app;
mod routes;

mod query;

mod document;
mod highlight;
mod stop_words;
mod words;

mod engine;
mod follow;

mod error;
mod store;
mod tasks;

use std::sync::Arc;

use bus::{Broker, Consumer, Queue};
use redis_kit::Redis;
use service_kit::settings::SettingError;
use service_kit::{Gate, Health, Listeners, Metrics, Service, until_ok};
use tokio_util::sync::CancellationToken;

pub use crate::words::terms;

use crate::app::App;
use crate::config::Config;
use crate::engine::Engine;
use crate::store::Store;

/// A setting cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Setting(#[from] SettingError),

    #[error(transparent)]
    Database(#[from] database::ConfigError),

    #[error(transparent)]
    Redis(#[from] redis_kit::ConfigError),

    #[error(transparent)]
    Bus(#[from] bus::ConfigError),
}

/// Serves until `shutdown`. MongoDB and RabbitMQ may be away, at the start and later.
pub async fn run(
    config: Config,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let redis = Redis::new(&config.redis)?;
    let authenticator = redis_kit::sessions::authenticator(&config.token, &redis, &shutdown)?;
    let database = database::connect(&config.database, "search").await?;
    let consumer = Consumer::new(&Broker::new(&config.bus, "search")?, Queue::SearchPosts);
    let engine: Arc<dyn Engine> = Arc::new(Store::new(&database));

    let metrics = Metrics::new();
    metrics.register(redis.connected());
    metrics.register(consumer.connected());
    metrics.register(consumer.handled());
    metrics.register(consumer.redelivered());
    metrics.register(consumer.dead_letters());
    let indexes = Gate::default();
    let follower = consumer.clone();
    let health = Health::new()
        .with_check("mongodb", move || database::check(database.clone()))
        .with_gate("indexes", &indexes)
        .with_check("rabbitmq", move || std::future::ready(follower.ready()))
        .with_note("redis", move || redis.clone().check());

    tokio::spawn(prepare(engine.clone(), indexes, shutdown.clone()));
    let copy = engine.clone();
    let following = tokio::spawn(consumer.run(
        move |message| follow::follow(copy.clone(), message),
        shutdown.clone(),
    ));
    let service = Service {
        routes: routes::routes(App {
            engine,
            authenticator,
        }),
        health,
        metrics,
    };
    service.serve(&config.server, listeners, shutdown).await;
    if let Err(error) = following.await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "following events ended badly"
        );
    }

    Ok(())
}

async fn prepare(engine: Arc<dyn Engine>, indexes: Gate, shutdown: CancellationToken) {
    let done = until_ok("create the indexes", &shutdown, || engine.prepare());
    if done.await.is_some() {
        indexes.open();
    }
}
