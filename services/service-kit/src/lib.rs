//! The shell every service shares, so that a service is only what it is for.
//!
//! A service parses its settings, binds its [`Listeners`], builds a [`Router`](axum::Router) and hands both to
//! [`Service::serve`]. What it gets: JSON logs with the request id, metrics by route, `/healthz`, `/readyz` and
//! `/metrics` on a second port, one shape for every failure ([`Problem`]), bounds on connections, requests, bodies and
//! time, and an end that loses nothing.

pub mod openapi;
pub mod settings;
pub mod telemetry;

mod auth;
mod clock;
mod context;
mod deprecation;
mod ended;
mod extract;
mod health;
mod idempotency;
mod linger;
mod metrics;
mod problem;
mod request;
mod retry;
mod serve;
mod shutdown;
mod stall;
mod start;

pub use auth::{Authenticator, CurrentUser};
pub use context::RequestContext;
pub use deprecation::deprecated;
pub use ended::Ended;
pub use extract::{JsonBody, MAX_JSON_BYTES, Params};
pub use health::{Gate, Health};
pub use idempotency::IdempotencyKey;
pub use metrics::Metrics;
pub use problem::{PROBLEM_JSON, Problem};
pub use request::Ring;
pub use retry::until_ok;
pub use serve::{Answer, Listeners, Service};
pub use settings::{ServerConfig, TokenConfig};
pub use shutdown::on_signal;
pub use start::{Settings, Task, start};
