//! The post service: keeps what people write, lists it newest first, and announces what was written, changed and
//! deleted.
//!
//! A post is accepted once a majority of the database has it, and with it that it is to be announced. That is done
//! afterwards, off the request's path: a broker that is away delays what others learn, not what people write.

pub mod config;
#[cfg(feature = "fuzzing")]
pub use cursor::fuzz;

mod app;
mod routes;

mod create;
mod delete;
mod edit;
mod list;
mod read;

mod follow;

mod cursor;
mod page;
mod post;

mod event;
mod relay;

mod cache;
mod error;
mod finish;
mod source;
mod store;
mod tasks;

use bus::{Broker, Consumer, Publisher, Queue};
use database::CallError;
use database::idempotency::Idempotency;
use redis_kit::Redis;
use service_kit::settings::{SettingError, read_file};
use service_kit::{Gate, Health, Listeners, Metrics, Service, until_ok};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::cache::Pages;
use crate::config::Config;
use crate::cursor::CursorKey;
use crate::follow::Follower;
use crate::relay::Relay;
use crate::source::Source;
use crate::store::Store;

/// A setting cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Setting(#[from] SettingError),

    #[error("CURSOR_KEY_FILE cannot be used")]
    CursorKey(#[from] cursor::KeyError),

    #[error(transparent)]
    Database(#[from] database::ConfigError),

    #[error(transparent)]
    Redis(#[from] redis_kit::ConfigError),

    #[error(transparent)]
    Bus(#[from] bus::ConfigError),
}

/// Serves until `shutdown`. MongoDB, Redis and RabbitMQ may be away, at the start and later.
pub async fn run(
    config: Config,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let cursor_key = CursorKey::parse(&read_file("CURSOR_KEY_FILE", &config.cursor_key_file)?)?;
    let redis = Redis::new(&config.redis)?;
    let authenticator = redis_kit::sessions::authenticator(&config.token, &redis, &shutdown)?;
    let database = database::connect(&config.database, "post").await?;
    let broker = Broker::new(&config.bus, "post")?;
    let publisher = Publisher::start(&broker);
    let consumer = Consumer::new(&broker, Queue::PostUsers);
    let store = Store::new(&database);
    let idempotency = Idempotency::new(&database);
    let source = Source {
        store: store.clone(),
        cursor_key: cursor_key.clone(),
    };
    let namespace = format!("posts:{}", cursor_key.namespace(database.name()));
    let pages = Pages::new(
        source,
        redis.clone(),
        namespace,
        config.page_cache_ttl_seconds,
    );

    let (relay, relaying) = Relay::start(store.clone(), pages.clone(), publisher.clone());

    let metrics = Metrics::new();
    metrics.register(redis.connected());
    metrics.register(publisher.connected());
    metrics.register(publisher.published());
    metrics.register(publisher.unconfirmed());
    metrics.register(consumer.connected());
    metrics.register(consumer.handled());
    metrics.register(consumer.redelivered());
    metrics.register(consumer.dead_letters());
    metrics.register(relay.pending());
    let indexes = Gate::default();
    let (events, followed, outbox) = (publisher, consumer.clone(), relay.clone());
    let health = Health::new()
        .with_check("mongodb", move || database::check(database.clone()))
        .with_gate("indexes", &indexes)
        .with_check("rabbitmq", move || {
            std::future::ready(events.ready().and(followed.ready()))
        })
        .with_note("redis", move || redis.clone().check())
        .with_note("outbox", move || std::future::ready(outbox.note()));

    let announcing = tokio::spawn(relaying.run());
    tokio::spawn(prepare(
        store.clone(),
        idempotency.clone(),
        indexes,
        shutdown.clone(),
    ));
    tokio::spawn(pages.clone().follow(shutdown.clone()));
    let follower = Follower {
        store: store.clone(),
        pages: pages.clone(),
        relay: relay.clone(),
    };
    let following = tokio::spawn(consumer.run(
        move |message| follower.clone().follow(message),
        shutdown.clone(),
    ));
    let app = App {
        store,
        pages,
        idempotency,
        relay: relay.clone(),
        authenticator,
        cursor_key,
    };
    let service = Service {
        routes: routes::routes(app),
        health,
        metrics,
    };
    service.serve(&config.server, listeners, shutdown).await;
    finish(&relay, announcing, following).await;

    Ok(())
}

async fn prepare(
    store: Store,
    idempotency: Idempotency,
    indexes: Gate,
    shutdown: CancellationToken,
) {
    let done = until_ok("create the indexes", &shutdown, || async {
        tokio::try_join!(store.create_indexes(), idempotency.prepare())?;
        Ok::<_, CallError>(())
    });
    if done.await.is_some() {
        indexes.open();
    }
}

/// What was answered is announced before the process ends.
async fn finish(relay: &Relay, announcing: JoinHandle<()>, following: JoinHandle<()>) {
    relay.finish();
    let (announced, followed) = tokio::join!(announcing, following);
    for error in [announced.err(), followed.err()].into_iter().flatten() {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the work with events ended badly"
        );
    }
}
