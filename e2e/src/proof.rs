//! What shows that the operator ends in the same state whatever happens on the way, and that no field of the resource
//! is an empty promise.
//!
//! The operator under test is the real program with the rights of its own account. Between it and the API server sits
//! a proxy that counts its writes, ends it after one of them, and lies to it about the past.

pub mod leaf;
pub mod values;

pub mod mask;
pub mod snapshot;

pub mod operator;
pub mod podless;
pub mod proxy;
pub mod rest;
pub mod stage;

pub use leaf::{Leaf, leaves};
pub use mask::Mask;
pub use operator::Operator;
pub use podless::apply;
pub use proxy::{Cut, Proxy, View};
pub use snapshot::{Kinds, Snapshot};
pub use stage::{Stage, on_stage};
pub use values::{Effect, Step, step};
