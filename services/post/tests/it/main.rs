//! The whole API of the post service, over HTTP, with the real stores.

mod account;
mod bad_input;
mod cache;
mod create;
mod delete;
mod description;
mod edit;
mod forged;
mod hostile;
mod list;
mod once;
mod outage;
mod outbox;
mod stage;
