//! The settings of the gateway.

use clap::{Parser, value_parser};
use redis_kit::RedisConfig;
use service_kit::{ServerConfig, Settings, TokenConfig};

use crate::upstream::Address;

/// The one public address of the platform: knows who asks and who answers.
#[derive(Debug, Parser)]
#[command(name = "gateway", version)]
pub struct Config {
    #[command(flatten)]
    pub server: ServerConfig,

    #[command(flatten)]
    pub token: TokenConfig,

    #[command(flatten)]
    pub redis: RedisConfig,

    /// Where the identity service is: `http://host:port`.
    #[arg(long, env = "IDENTITY_URL")]
    pub identity_url: Address,

    /// Where the post service is: `http://host:port`.
    #[arg(long, env = "POST_URL")]
    pub post_url: Address,

    /// Where the media service is: `http://host:port`.
    #[arg(long, env = "MEDIA_URL")]
    pub media_url: Address,

    /// Where the search service is: `http://host:port`.
    #[arg(long, env = "SEARCH_URL")]
    pub search_url: Address,

    /// The largest file that may be uploaded, in bytes.
    #[arg(long, env = "MAX_UPLOAD_BYTES", default_value_t = 5_242_880, value_parser = value_parser!(u64).range(1..))]
    pub max_upload_bytes: u64,
}

impl Settings for Config {
    fn server(&self) -> &ServerConfig {
        &self.server
    }
}
