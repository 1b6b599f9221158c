//! What the tests of services share: real stores, a namespace of each test's own, keys, tokens and a running service.

mod ended;
mod forged;
mod keys;
mod problem;
mod proxy;
mod rounds;
mod running;
mod stores;

pub use ended::assert_ended_sessions_are_refused;
pub use forged::assert_no_forgery_passes;
pub use keys::{
    CURSOR_KEY_FILE, KEYS_FILE, REFRESH_KEY_FILE, SIGNING_KEY_FILE, Token, key_file, scope,
};
pub use problem::assert_problem;
pub use proxy::Proxy;
pub use rounds::rounds;
pub use running::Running;
pub use stores::{
    database_url, events_namespace, forget_all, object_id, own_redis_url, rabbitmq_url, redis,
    redis_url, s3_url,
};
