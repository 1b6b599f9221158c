//! The settings of the gateway.

use clap::{Parser, value_parser};
use redis_kit::RedisConfig;
use service_kit::{ServerConfig, Settings, TokenConfig};

use crate::cors::Origins;
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

    /// How many proxies in front of the gateway are trusted to say who asked them.
    #[arg(long, env = "TRUSTED_HOPS", default_value_t = 0, value_parser = value_parser!(u8).range(0..=10))]
    pub trusted_hops: u8,

    /// How many requests a client may send a minute in the long run.
    #[arg(long, env = "RATE_LIMIT_PER_MINUTE", default_value_t = 1200, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub rate_limit_per_minute: u32,

    /// How many requests a client may send at once.
    #[arg(long, env = "RATE_LIMIT_BURST", default_value_t = 300, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub rate_limit_burst: u32,

    /// How often a client may register, log in or refresh a minute in the long run.
    #[arg(long, env = "AUTH_RATE_LIMIT_PER_MINUTE", default_value_t = 60, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub auth_rate_limit_per_minute: u32,

    /// How often a client may register, log in or refresh at once.
    #[arg(long, env = "AUTH_RATE_LIMIT_BURST", default_value_t = 30, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub auth_rate_limit_burst: u32,

    /// The origins whose pages may read answers, separated by commas; `*` for all, empty for none.
    #[arg(long, env = "CORS_ALLOWED_ORIGINS", default_value = "")]
    pub cors_allowed_origins: Origins,

    /// What the platform calls itself.
    #[arg(long, env = "INSTANCE_NAME", default_value = "SocialPlatform")]
    pub instance_name: String,

    /// Where its people can be reached; empty for nowhere.
    #[arg(long, env = "INSTANCE_CONTACT", default_value = "")]
    pub instance_contact: String,

    /// The largest file that may be uploaded, in bytes.
    #[arg(long, env = "MAX_UPLOAD_BYTES", default_value_t = 5_242_880, value_parser = value_parser!(u64).range(1..))]
    pub max_upload_bytes: u64,

    /// The types of files that may be uploaded, separated by commas.
    #[arg(
        long,
        env = "ALLOWED_MEDIA_TYPES",
        value_delimiter = ',',
        default_value = "image/jpeg,image/png,image/gif,image/webp,video/mp4"
    )]
    pub allowed_media_types: Vec<String>,
}

impl Settings for Config {
    fn server(&self) -> &ServerConfig {
        &self.server
    }
}
