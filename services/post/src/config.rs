//! The settings of the post service.

use bus::BusConfig;
use clap::Parser;
use database::DatabaseConfig;
use service_kit::{ServerConfig, Settings, TokenConfig};

/// Keeps what people write, and announces what becomes of it.
#[derive(Debug, Clone, Parser)]
#[command(name = "post", version)]
pub struct Config {
    #[command(flatten)]
    pub server: ServerConfig,

    #[command(flatten)]
    pub token: TokenConfig,

    #[command(flatten)]
    pub database: DatabaseConfig,

    #[command(flatten)]
    pub bus: BusConfig,
}

impl Settings for Config {
    fn server(&self) -> &ServerConfig {
        &self.server
    }
}
