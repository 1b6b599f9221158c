//! RabbitMQ behind a small API: services publish and follow events, and see nothing of AMQP.
//!
//! Delivery is at least once: what is published is confirmed by the broker, what is followed is acknowledged after its
//! handler succeeded. A lost connection is re-made with a growing delay for as long as the service lives. Which
//! exchange and queues exist is said in `topology.rs` alone; what an event means is the business of whoever reads it.
#![warn(missing_docs)]

mod broker;
mod config;
mod consumer;
mod dead_letters;
mod grave;
mod handle;
mod link;
mod message;
mod publisher;
mod retry;
mod topology;
mod walk;

pub use broker::Broker;
pub use config::{BusConfig, ConfigError};
pub use consumer::Consumer;
pub use dead_letters::{Chosen, DeadLettersCommand, DeadLettersError};
pub use message::{Failure, Message};
pub use publisher::{PublishError, Publisher};
pub use topology::Queue;
