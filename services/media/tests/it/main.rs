//! The media service against real stores.

mod away;
mod cascade;
mod claims;
mod cloudinary;
mod download;
mod forged;
mod form;
mod idempotency;
mod limits;
mod refusals;
mod stage;
mod storages;
mod trouble;
mod upload;
