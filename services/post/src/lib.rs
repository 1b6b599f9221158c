//! The post service: keeps what people write, lists it newest first, and announces what was written and deleted.
//!
//! A post is accepted once a majority of the database has it. Its event is published afterwards, off the request's
//! path: a broker that is away delays what others learn, not what people write.

pub mod config;

mod app;
mod routes;

mod create;
mod delete;
mod list;
mod read;

mod page;
mod post;

mod announce;
mod error;
mod finish;
mod store;

use bus::{Broker, Publisher};
use redis_kit::Redis;
use service_kit::settings::SettingError;
use service_kit::{Gate, Health, Listeners, Metrics, Service, until_ok};
use tokio_util::sync::CancellationToken;

use crate::announce::Announcer;
use crate::app::App;
use crate::config::Config;
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
    let redis_connected = redis.connected();
    let authenticator = redis_kit::sessions::authenticator(&config.token, &redis, &shutdown)?;
    let database = database::connect(&config.database, "post").await?;
    let publisher = Publisher::start(&Broker::new(&config.bus, "post")?);
    let store = Store::new(&database);
    let (announcer, announcements) = announce::channel();

    let indexes = Gate::default();
    let events = publisher.clone();
    let health = Health::new()
        .with_check("mongodb", move || database::check(database.clone()))
        .with_gate("indexes", &indexes)
        .with_check("rabbitmq", move || std::future::ready(events.ready()))
        .with_note("redis", move || redis.clone().check());
    let metrics = Metrics::new();
    metrics.register(redis_connected);
    metrics.register(publisher.connected());
    metrics.register(publisher.published());
    metrics.register(announcer.waiting());

    let announcing = tokio::spawn(announcements.publish(publisher));
    tokio::spawn(prepare(store.clone(), indexes, shutdown.clone()));
    let app = App {
        store,
        announcer: announcer.clone(),
        authenticator,
    };
    let service = Service {
        routes: routes::routes(app),
        health,
        metrics,
    };
    service.serve(&config.server, listeners, shutdown).await;
    finish(&announcer, announcing).await;

    Ok(())
}

async fn prepare(store: Store, indexes: Gate, shutdown: CancellationToken) {
    let done = until_ok("create the indexes", &shutdown, || store.create_indexes());
    if done.await.is_some() {
        indexes.open();
    }
}

/// What was answered is announced before the process ends.
async fn finish(announcer: &Announcer, announcing: tokio::task::JoinHandle<()>) {
    announcer.finish();
    if let Err(error) = announcing.await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "announcing ended badly"
        );
    }
}
