//! What services share of MongoDB, with the real one.

mod idempotency;
