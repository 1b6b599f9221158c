//! Against a real Redis.

mod limit;
mod outage;
mod sessions;

use clap::Parser;
use redis_kit::{Redis, RedisConfig};

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    redis: RedisConfig,
}

/// The Redis at `url`.
fn redis(url: &str) -> Redis {
    let settings = Settings::parse_from(["test", "--redis-url", url]);

    Redis::new(&settings.redis).expect("a connection string")
}
