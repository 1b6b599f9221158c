//! The settings of the post service.

use std::path::PathBuf;

use bus::BusConfig;
use clap::Parser;
use database::DatabaseConfig;
use redis_kit::RedisConfig;
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
    pub redis: RedisConfig,

    #[command(flatten)]
    pub bus: BusConfig,

    /// File with the key that cursors are made with: 32 bytes as 64 hex digits.
    #[arg(long, env = "CURSOR_KEY_FILE")]
    pub cursor_key_file: PathBuf,

    /// How long a page of the list is kept in Redis, in seconds; 0 keeps none.
    #[arg(long, env = "PAGE_CACHE_TTL_SECONDS", default_value_t = 60)]
    pub page_cache_ttl_seconds: u32,
}

impl Settings for Config {
    fn server(&self) -> &ServerConfig {
        &self.server
    }
}
