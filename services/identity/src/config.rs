//! The settings of the identity service.

use std::path::PathBuf;

use bus::BusConfig;
use clap::{Parser, value_parser};
use database::DatabaseConfig;
use redis_kit::RedisConfig;
use service_kit::{ServerConfig, Settings, TokenConfig};

/// Keeps accounts: who somebody is, and the tokens that prove it.
#[derive(Debug, Parser)]
#[command(name = "identity", version)]
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

    /// File with the key that signs access tokens: Ed25519, PKCS#8 PEM.
    #[arg(long, env = "TOKEN_SIGNING_KEY_FILE")]
    pub token_signing_key_file: PathBuf,

    /// File with the key that refresh tokens are made with: 32 bytes as 64 hex digits.
    #[arg(long, env = "REFRESH_KEY_FILE")]
    pub refresh_key_file: PathBuf,

    /// How long an access token is valid, in seconds.
    #[arg(long, env = "ACCESS_TOKEN_TTL_SECONDS", default_value_t = 3600, value_parser = value_parser!(u32).range(1..=token::MAX_LIFETIME_SECONDS.into()))]
    pub access_token_ttl_seconds: u32,

    /// A session that is not refreshed for so long ends, in seconds.
    #[arg(long, env = "REFRESH_TOKEN_IDLE_SECONDS", default_value_t = 604_800, value_parser = value_parser!(u32).range(1..))]
    pub refresh_token_idle_seconds: u32,

    /// A session ends after so long, refreshed or not, in seconds.
    #[arg(long, env = "REFRESH_TOKEN_LIFETIME_SECONDS", default_value_t = 2_592_000, value_parser = value_parser!(u32).range(1..))]
    pub refresh_token_lifetime_seconds: u32,

    /// For so long after a refresh the token it has spent is answered with the same next one, in seconds.
    #[arg(long, env = "REFRESH_REUSE_WINDOW_SECONDS", default_value_t = 30, value_parser = value_parser!(u32).range(0..=300))]
    pub refresh_reuse_window_seconds: u32,

    /// The fewest characters a new password may have.
    #[arg(long, env = "PASSWORD_MIN_LENGTH", default_value_t = 8, value_parser = value_parser!(u8).range(1..=128))]
    pub password_min_length: u8,

    /// Memory for each password hash, in KiB.
    #[arg(long, env = "ARGON2_MEMORY_KIB", default_value_t = 19_456, value_parser = value_parser!(u32).range(8..=262_144))]
    pub argon2_memory_kib: u32,

    /// Passes over that memory.
    #[arg(long, env = "ARGON2_ITERATIONS", default_value_t = 2, value_parser = value_parser!(u32).range(1..=1000))]
    pub argon2_iterations: u32,

    /// Lanes of that memory; each needs 8 KiB.
    #[arg(long, env = "ARGON2_PARALLELISM", default_value_t = 1, value_parser = value_parser!(u32).range(1..=64))]
    pub argon2_parallelism: u32,
}

impl Settings for Config {
    fn server(&self) -> &ServerConfig {
        &self.server
    }
}
