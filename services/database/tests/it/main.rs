//! What services share of MongoDB, with the real one.

mod idempotency;
mod updates;

use clap::Parser;
use database::DatabaseConfig;
use mongodb::Database;

#[derive(Debug, Parser)]
struct Config {
    #[command(flatten)]
    database: DatabaseConfig,
}

/// A database of a test's own.
async fn connected() -> Database {
    let url = test_kit::database_url();
    let config = Config::parse_from(["test", "--mongodb-url", &url]);
    let database = database::connect(&config.database, "test").await;

    database.expect("a connection string")
}
