//! What services tell each other: the contracts of every event, and nothing else.
//!
//! This crate knows JSON. How a message travels is the business of `bus`; what it leads to is the business of
//! whoever reads it. Each contract has one file in `samples/`, so a change of a contract is seen in review. Adding an
//! optional field is allowed; anything else is a new type with the next major version in its name.

use std::time::Duration;

mod envelope;
mod post;
mod user;

pub use envelope::{Envelope, Event, Origin};
pub use post::{PostCreated, PostDeleted, PostUpdated};
pub use user::UserDeleted;

/// Who keeps a copy of posts remembers that one was deleted for at least so long. An event about it that comes later
/// could bring it back; none does that is not replayed by hand.
pub const TOMBSTONE_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
