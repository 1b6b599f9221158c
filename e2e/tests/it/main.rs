//! What a platform engineer and the people on a platform see, on a real cluster; and how its parts fit, without one.

// Marked, so that its helpers may unwrap as tests do.
#[cfg(test)]
mod chart;
#[cfg(test)]
mod schema_walk;
#[cfg(test)]
mod wiring;

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod rights;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod loopback;
#[cfg(test)]
mod schemathesis;

mod chaos;
mod convergence;
mod conversation;
mod deletion;
mod diagnosis;
mod healing;
mod idle;
mod install;
mod namespaced;
mod options;
mod ready;
mod refusal;
mod rotation;
mod scaling;
mod settings;
mod stale_view;
mod takeover;

mod bad_input;
mod readme;
