//! Where Redis is.

use clap::Args;
use secrecy::SecretString;

/// What a service that uses Redis is told.
#[derive(Debug, Clone, Args)]
pub struct RedisConfig {
    /// Connection string of Redis, credentials included: `redis://:password@host:port`.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: SecretString,
}

/// The connection string cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    // The client's own message may quote the string, credentials included, so it is not passed on.
    #[error("REDIS_URL is not a Redis connection string")]
    Url,
}
