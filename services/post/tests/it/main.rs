//! The whole API of the post service, over HTTP, with the real stores.

mod bad_input;
mod create;
mod delete;
mod list;
mod outage;
mod stage;
