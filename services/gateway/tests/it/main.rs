//! The gateway over HTTP, before small services that live in the test.

mod cors;
mod crowd;
mod docs;
mod failure;
mod forged;
mod headers;
mod hostile;
mod limits;
mod often;
mod public;
mod raw;
mod refusal;
mod stage;
mod start;
mod stranger;
mod streaming;
mod trust;
mod wire;
