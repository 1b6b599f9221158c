//! The gateway over HTTP, before small services that live in the test.

mod failure;
mod forged;
mod headers;
mod limits;
mod public;
mod raw;
mod refusal;
mod stage;
mod start;
mod streaming;
