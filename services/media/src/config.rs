//! What the service is told at its start.

use bus::BusConfig;
use clap::{Parser, value_parser};
use database::DatabaseConfig;
use redis_kit::RedisConfig;
use service_kit::{ServerConfig, Settings, TokenConfig};

/// Keeps the pictures and films people post, and hands them out.
#[derive(Debug, Clone, Parser)]
#[command(name = "media")]
pub struct Config {
    #[command(flatten)]
    pub server: ServerConfig,

    #[command(flatten)]
    pub token: TokenConfig,

    #[command(flatten)]
    pub database: DatabaseConfig,

    #[command(flatten)]
    pub redis: RedisConfig,

    #[command(flatten)]
    pub bus: BusConfig,

    /// The largest file that is taken, in bytes.
    #[arg(
        long,
        env = "MAX_UPLOAD_BYTES",
        default_value_t = 5 * 1024 * 1024,
        value_parser = value_parser!(u64).range(1..)
    )]
    pub max_upload_bytes: u64,
}

impl Settings for Config {
    fn server(&self) -> &ServerConfig {
        &self.server
    }
}
