//! Where the real stores listen, and names no other test uses.

use std::time::Duration;

use redis_kit::redis::cmd;
use redis_kit::{Redis, RedisConfig};
use uuid::Uuid;

/// The databases of a Redis by default.
const REDIS_DATABASES: u32 = 16;
/// No test that takes one runs so long.
const TAKEN_SECONDS: u32 = 120;

/// The MongoDB connection string of a database that only the caller uses.
pub fn database_url() -> String {
    let url = setting("TEST_MONGODB_URL");
    let (server, options) = url
        .split_once("/?")
        .unwrap_or((url.trim_end_matches('/'), ""));

    format!("{server}/test-{}?{options}", Uuid::new_v4().simple())
}

pub fn rabbitmq_url() -> String {
    setting("TEST_RABBITMQ_URL")
}

pub fn redis_url() -> String {
    setting("TEST_REDIS_URL")
}

/// The Redis connection string of an empty database that only the caller uses, for a test in which Redis forgets. There
/// are few of them.
pub async fn own_redis_url() -> String {
    let all = redis(&redis_url());
    loop {
        for number in 1..REDIS_DATABASES {
            let mut take = cmd("SET");
            take.arg(format!("test:database:{number}")).arg(1);
            take.arg("NX").arg("EX").arg(TAKEN_SECONDS);
            let taken: Option<String> = all.query(&take).await.expect("Redis answers");
            if taken.is_some() {
                let url = format!("{}/{number}", redis_url());
                forget_all(&url).await;
                return url;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Has the Redis database at `url` lose its memory.
pub async fn forget_all(url: &str) {
    let forgotten = redis(url).query::<()>(&cmd("FLUSHDB")).await;
    forgotten.expect("Redis answers");
}

/// The Redis at `url`, asked by somebody who can wait.
pub fn redis(url: &str) -> Redis {
    let config = RedisConfig {
        redis_url: url.into(),
    };

    Redis::new(&config).expect("a connection string").patient()
}

/// `http://<key>:<secret>@<host>:<port>/<bucket>` of an S3 server.
pub fn s3_url() -> String {
    setting("TEST_S3_URL")
}

/// A prefix for exchange and queues that only the caller uses.
pub fn events_namespace() -> String {
    format!("test-{}", Uuid::new_v4().simple())
}

/// 24 hex digits that nobody has used.
pub fn object_id() -> String {
    Uuid::new_v4().simple().to_string()[..24].to_owned()
}

fn setting(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told here, and only here, where the stores listen"
    )]
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run the tests with `make test`, or see `e2e/cluster/cluster stores`"
        )
    })
}
