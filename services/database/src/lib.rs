//! How a service reaches its MongoDB database: settings, bounds and write guarantees in one place.
//!
//! What is stored, and under which names, is each service's own business.

pub mod idempotency;

mod batcher;
mod call;
mod error;
mod updates;

use std::time::Duration;

use clap::{Args, value_parser};
use mongodb::bson::doc;
use mongodb::options::{ClientOptions, ReadConcern, WriteConcern};
use mongodb::{Client, Database};
use secrecy::{ExposeSecret, SecretString};

use call::TURNS;

pub use batcher::Batcher;
pub use call::{CallError, call};
pub use error::{is_duplicate_key, is_unavailable};
pub use updates::{Refused, Update, update_each};

/// Finding a member that can take the operation; with it down, a request is answered within this and the timeout of
/// one connection.
const SELECTION_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A majority write that is not acknowledged by then is reported as unknown.
const WRITE_TIMEOUT: Duration = Duration::from_secs(4);

/// Where a service's data is.
#[derive(Debug, Clone, Args)]
pub struct DatabaseConfig {
    /// Connection string of the service's database, credentials and database name included.
    #[arg(long, env = "MONGODB_URL", hide_env_values = true)]
    pub mongodb_url: SecretString,

    /// How many calls to MongoDB are made at once, each over a connection of its own.
    #[arg(long, env = "MONGODB_MAX_POOL_SIZE", default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    pub mongodb_max_pool_size: u32,
}

/// The connection string cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    // The driver's own message may quote the string, credentials included, so it is not passed on.
    #[error("MONGODB_URL is not a MongoDB connection string")]
    Url,

    #[error("MONGODB_URL names no database")]
    NoDatabase,

    #[error("failed to set MongoDB's client up")]
    Client(#[source] mongodb::error::Error),
}

/// The database the settings name. Nothing is asked of it yet: it may be away and come later.
pub async fn connect(config: &DatabaseConfig, service: &str) -> Result<Database, ConfigError> {
    let mut options = ClientOptions::parse(config.mongodb_url.expose_secret())
        .await
        .map_err(|_| ConfigError::Url)?;
    options.app_name = Some(service.to_owned());
    // The turns that calls take are what bounds them: see `call::TURNS`.
    options.max_pool_size = Some(u32::MAX);
    options.max_connecting = Some(u32::MAX);
    options.connect_timeout = Some(CONNECT_TIMEOUT);
    options.server_selection_timeout = Some(SELECTION_TIMEOUT);
    options.read_concern = Some(ReadConcern::majority());
    options.write_concern = Some(
        WriteConcern::builder()
            .w(mongodb::options::Acknowledgment::Majority)
            .w_timeout(WRITE_TIMEOUT)
            .journal(true)
            .build(),
    );
    let client = Client::with_options(options).map_err(ConfigError::Client)?;
    TURNS.add_permits(config.mongodb_max_pool_size as usize);

    client.default_database().ok_or(ConfigError::NoDatabase)
}

/// Asks whether the database answers; the error is the reason for `/readyz`.
pub async fn check(database: Database) -> Result<(), String> {
    let ping = database.run_command(doc! { "ping": 1 });
    match call("ping the database", ping).await {
        Ok(_) => Ok(()),
        Err(CallError::Failed { source, .. }) => Err(source.kind.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
