//! That posts and what search and media know of them agree, whatever process dies and whatever connection is lost: the
//! services as processes, on real stores. `services/post/tests/model` is the same in thought.

mod audit;
mod broker;
mod deaths;
mod history;
mod machine;
mod mistakes;
mod platform;
mod process;
mod service;
