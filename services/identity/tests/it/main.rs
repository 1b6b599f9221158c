//! The identity service over HTTP, with real stores.

mod account;
mod bad_input;
mod ended;
mod family;
mod forged;
mod guessing;
mod idempotency;
mod keys;
mod load;
mod me;
mod openapi;
mod outage;
mod race;
mod session;
mod sessions;
mod stage;
mod start;
