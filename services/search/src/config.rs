//! The settings of the search service.

use bus::BusConfig;
use clap::Parser;
use database::DatabaseConfig;
use redis_kit::RedisConfig;
use service_kit::{ServerConfig, Settings, TokenConfig};

/// Finds posts by their words.
#[derive(Debug, Clone, Parser)]
#[command(name = "search", version)]
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
}

impl Settings for Config {
    fn server(&self) -> &ServerConfig {
        &self.server
    }
}
