//! What the replicas of the services share and may lose: limits, ended sessions, cached pages.
//!
//! Nothing here is the truth about anything, so nothing may wait for it: every question has a time limit, and while
//! Redis is away every question fails at once. What then happens is the caller's to say.

mod config;
mod link;

pub mod limit;
pub mod sessions;

pub use config::{ConfigError, RedisConfig};
pub use link::{Error, Redis};
pub use redis;
