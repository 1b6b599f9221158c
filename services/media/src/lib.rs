//! The media service: takes the pictures and films people upload, hands them out to anybody, and removes those of
//! deleted posts.
//!
//! Bytes stream both ways, to and from the place for files the settings name. What a client says about a file is not believed; its first bytes decide what it is.

pub mod config;
#[cfg(feature = "fuzzing")]
pub use form::fuzz;

mod app;
mod routes;

mod download;
mod form;
mod origin;
mod range;
mod upload;

mod image_header;
mod media;
mod media_type;

mod incoming;
mod storage;
mod store;

mod error;
mod follow;
mod sweep;
mod tasks;

use std::time::Duration;

use bus::{Broker, Consumer, Queue};
use database::idempotency::Idempotency;
use redis_kit::Redis;
use service_kit::settings::SettingError;
use service_kit::{Gate, Health, Listeners, Metrics, Service, until_ok};
use tokio_util::sync::CancellationToken;

use crate::app::{App, Limits};
use crate::config::Config;
use crate::storage::StorageError;
use crate::store::Store;

/// Uploads whose request is over may take this long to be stored or deleted before the process ends.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(3);

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

    #[error(transparent)]
    Storage(#[from] storage::ConfigError),
}

/// Serves until `shutdown`. MongoDB and RabbitMQ may be away, at the start and later.
pub async fn run(
    config: Config,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let redis = Redis::new(&config.redis)?;
    let authenticator = redis_kit::sessions::authenticator(&config.token, &redis, &shutdown)?;
    let database = database::connect(&config.database, "media").await?;
    let consumer = Consumer::new(&Broker::new(&config.bus, "media")?, Queue::MediaPosts);
    let storage = storage::open(&config.storage, &database)?;
    let store = Store::new(&database, storage);
    let idempotency = Idempotency::new(&database);

    let metrics = Metrics::new();
    metrics.register(redis.connected());
    metrics.register(consumer.connected());
    metrics.register(consumer.handled());
    metrics.register(consumer.redelivered());
    metrics.register(consumer.dead_letters());
    let indexed = Gate::default();
    let follower = consumer.clone();
    let health = Health::new()
        .with_check("mongodb", move || database::check(database.clone()))
        .with_gate("indexes", &indexed)
        .with_check("rabbitmq", move || std::future::ready(follower.ready()))
        .with_note("redis", move || redis.clone().check());

    let prepared = prepare(
        store.clone(),
        idempotency.clone(),
        indexed,
        shutdown.clone(),
    );
    tokio::spawn(prepared);
    let unclaimed = Duration::from_secs(config.unclaimed_upload_seconds);
    tokio::spawn(sweep::sweep(store.clone(), unclaimed, shutdown.clone()));
    let files = store.clone();
    let following = tokio::spawn(consumer.run(
        move |message| follow::follow(files.clone(), message),
        shutdown.clone(),
    ));
    let app = App {
        store: store.clone(),
        authenticator,
        idempotency,
        limits: Limits {
            max_upload_bytes: config.max_upload_bytes,
            allowed_types: config.allowed_media_types.into(),
            user_quota_bytes: config.user_quota_bytes,
        },
    };
    let service = Service {
        routes: routes::routes(app),
        health,
        metrics,
    };
    service.serve(&config.server, listeners, shutdown).await;
    store.settle(SETTLE_TIMEOUT).await;
    if let Err(error) = following.await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "following events ended badly"
        );
    }

    Ok(())
}

async fn prepare(store: Store, idempotency: Idempotency, done: Gate, shutdown: CancellationToken) {
    let prepared = until_ok("make the indexes", &shutdown, || async {
        let keys = async { idempotency.prepare().await.map_err(StorageError::from) };
        futures::try_join!(store.prepare(), keys)
    });
    if prepared.await.is_some() {
        done.open();
    }
}
