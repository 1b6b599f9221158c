//! Publishing and following against a real broker.

mod delivery;
mod failure;
mod outage;
mod stage;
