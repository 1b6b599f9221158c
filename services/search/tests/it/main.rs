//! The whole API of the search service, over HTTP, with the real stores and real events.

mod bad_input;
mod common;
mod follow;
mod forged;
mod outage;
mod query;
mod stage;
