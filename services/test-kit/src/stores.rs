//! Where the real stores listen, and names no other test uses.

use uuid::Uuid;

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
