//! The identity service over HTTP, with a real MongoDB.

mod account;
mod bad_input;
mod keys;
mod load;
mod outage;
mod session;
mod stage;
mod start;
