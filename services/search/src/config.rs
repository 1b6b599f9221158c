//! The settings of the search service.

use bus::{BusConfig, DeadLettersCommand};
use clap::{Parser, Subcommand};
use database::DatabaseConfig;
use jiff::Timestamp;
use redis_kit::RedisConfig;
use service_kit::{ServerConfig, Settings, Task, TokenConfig};

use crate::tasks;

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

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else the program does than serve.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Look at events that could not be handled, and decide what becomes of them
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),

    /// Forget posts that were not announced since a time: the end of a reindex
    DropUnseen {
        /// The time that `post reindex` printed
        before: Timestamp,
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
