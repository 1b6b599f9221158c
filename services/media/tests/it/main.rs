//! The media service against real stores.

mod away;
mod cascade;
mod download;
mod forged;
mod form;
mod refusals;
mod stage;
mod upload;
