//! Publishing and following against a real broker.

mod dead_letters;
mod delivery;
mod failure;
mod outage;
mod stage;
