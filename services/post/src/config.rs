//! The settings of the post service.

use std::path::PathBuf;

use bus::{BusConfig, DeadLettersCommand};
use clap::{Parser, Subcommand};
use database::DatabaseConfig;
use redis_kit::RedisConfig;
use service_kit::{ServerConfig, Settings, Task, TokenConfig};

use crate::post::Id;
use crate::tasks;

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

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else the program does than serve.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Look at events that could not be handled, and decide what becomes of them
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),

    /// Announce every post again, while the services serve: what others know of posts becomes what they are
    Reindex {
        /// Go on after this post, as a run that was cut short said
        #[arg(long, value_parser = post_id)]
        after: Option<Id>,
    },
}

fn post_id(text: &str) -> Result<Id, String> {
    Id::parse(text).ok_or_else(|| "an id has 24 hex digits".to_owned())
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
