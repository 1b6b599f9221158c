//! The gateway: the one public address of the platform.
//!
//! It knows which paths exist, which need a token and who answers them, and checks what can be checked before a service
//! is bothered. It has no data, reads no body and changes no answer: both are streamed.

pub mod config;

mod answer;
mod app;
mod body;
mod client;
mod connection;
mod cors;
mod docs;
mod edge;
mod error;
mod forward;
mod headers;
mod instance;
mod openapi;
mod pace;
mod problems;
mod rate_limit;
mod routes;
mod upstream;

use std::sync::Arc;

use redis_kit::Redis;
use service_kit::settings::SettingError;
use service_kit::{Health, Listeners, Metrics, Ring, ServerConfig, Service};
use tokio_util::sync::CancellationToken;

use app::App;
use config::Config;
use edge::Edge;

/// A setting cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Setting(#[from] SettingError),

    #[error(transparent)]
    Redis(#[from] redis_kit::ConfigError),
}

/// Serves until `shutdown`.
pub async fn run(
    config: Config,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let metrics = Metrics::new();
    let redis = Redis::new(&config.redis)?;
    metrics.register(redis.connected());
    let authenticator = redis_kit::sessions::authenticator(&config.token, &redis, &shutdown)?;
    let app = Arc::new(App::new(&config, authenticator, redis.clone(), &metrics));
    // The gateway is ready whenever it serves. With the services behind it as conditions, one that is away would take
    // the paths of the three others with it.
    let health = app.upstreams.all().into_iter().cloned().fold(
        Health::new().with_note("redis", move || redis.clone().check()),
        |health, upstream| health.with_note(upstream.name, move || upstream.clone().reach()),
    );
    let server = with_room_for_all(config.server);
    let ring = Ring::new(&server, metrics.clone());
    let service = Service {
        routes: Edge::new(app, ring, config.cors_allowed_origins),
        health,
        metrics,
    };
    service.serve_bare(&server, listeners, shutdown).await;

    Ok(())
}

/// The setting bounds the requests at each of the four services. Together they must never reach the bound of the whole,
/// or one service that hangs would take the paths of the others with it.
fn with_room_for_all(server: ServerConfig) -> ServerConfig {
    ServerConfig {
        max_concurrent_requests: server.max_concurrent_requests.saturating_mul(5),
        ..server
    }
}
