//! What the chaos test is made of: people who write all the time, faults that befall the platform meanwhile, and a
//! comparison of what they were told with what is there afterwards.

mod crowd;
mod journal;
mod tally;
mod worker;

mod broker;
mod fault;
mod node;
mod poison;
mod rest;

mod files;
mod findings;
mod search;
mod truth;
mod witness;

pub use crowd::Crowd;
pub use fault::{Scene, order};
pub use findings::Findings;
pub use journal::Journal;
pub use node::NodeShell;
pub use poison::Poison;
pub use rest::at_rest;
pub use tally::{Count, Tally};
pub use truth::Truth;

/// How long media keeps a file that no post shows. A post's claim of its files travels with its event, so no fault may
/// delay events for as long; the 60 s that the resource allows are too few for a broker that starts on a busy machine.
pub const UNCLAIMED_UPLOAD_TTL_SECONDS: u64 = 180;

/// Requests at once when all is compared: many, and not so many that one of them is kept waiting for long.
const AT_ONCE: usize = 16;
