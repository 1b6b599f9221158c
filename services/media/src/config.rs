//! What the service is told at its start.

use bus::{BusConfig, DeadLettersCommand};
use clap::{Parser, Subcommand, value_parser};
use database::DatabaseConfig;
use redis_kit::RedisConfig;
use service_kit::{ServerConfig, Settings, Task, TokenConfig};

use crate::media_type::MediaType;
pub use crate::storage::{MediaStorage, StorageConfig};
use crate::tasks;

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

    /// Which types of files are taken, as their first bytes tell; separated by commas.
    #[arg(
        long,
        env = "ALLOWED_MEDIA_TYPES",
        value_delimiter = ',',
        default_values_t = MediaType::ALL
    )]
    pub allowed_media_types: Vec<MediaType>,

    /// How long a file is kept that no post shows, in seconds.
    #[arg(
        long,
        env = "UNCLAIMED_UPLOAD_SECONDS",
        default_value_t = 24 * 60 * 60,
        value_parser = value_parser!(u64).range(1..=2_592_000)
    )]
    pub unclaimed_upload_seconds: u64,

    /// How much one person's files may take, in bytes.
    #[arg(
        long,
        env = "USER_QUOTA_BYTES",
        default_value_t = 1024 * 1024 * 1024,
        value_parser = value_parser!(u64).range(1..)
    )]
    pub user_quota_bytes: u64,

    #[command(flatten)]
    pub storage: StorageConfig,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else the program does than serve.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Look at events that could not be handled, and decide what becomes of them
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),

    /// List the files that no post shows: id, owner, bytes, since when
    Orphans {
        /// Only those that no post has shown for so long, in seconds
        #[arg(long, default_value_t = 24 * 60 * 60)]
        older_than_seconds: u64,

        /// Remove them instead, without waiting for the sweep that will
        #[arg(long)]
        remove: bool,
    },
}

impl Settings for Config {
    fn server(&self) -> &ServerConfig {
        &self.server
    }

    fn task(&self) -> Option<Task> {
        let command = self.command.clone()?;

        Some(Box::pin(tasks::run(self.clone(), command)))
    }
}
