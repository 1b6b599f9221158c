//! What the tests on a cluster share: the cluster with the operator installed, a namespace per test, a platform in
//! it, and a client of its public API.
//!
//! A test is a claim about what a person sees. It waits for conditions, never for time, and is not tried twice. What
//! it leaves behind when it fails is printed and kept.

pub mod busy;
pub mod chaos;
pub mod client;
pub mod cluster;
pub mod conversation;
pub mod dump;
pub mod namespace;
pub mod platform;
pub mod ports;
pub mod programs;
pub mod proof;
pub mod settings;
pub mod shared;
pub mod wait;

pub use busy::{Busy, Stop};
pub use client::PublicApi;
pub use cluster::Cluster;
pub use namespace::{Namespace, alone_in_namespace, in_namespace};
pub use platform::Platform;
pub use settings::Settings;
pub use shared::{alone_on_shared_platform, on_shared_platform};
pub use wait::{Look, until};
