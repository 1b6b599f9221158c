//! What is known of a connection to the broker, for readiness, metrics and the log.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{IntGauge, Opts};

/// The state of one connection that is re-made when it is lost.
#[derive(Clone)]
pub(crate) struct Link {
    connected: IntGauge,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    was_up: bool,
    reason: Option<String>,
}

impl Link {
    pub(crate) fn new(metric: &str, help: &str) -> Self {
        Self {
            connected: IntGauge::with_opts(Opts::new(metric, help))
                .expect("metric names are constants of this crate, and valid"),
            state: Arc::default(),
        }
    }

    pub(crate) fn connected(&self) -> IntGauge {
        self.connected.clone()
    }

    pub(crate) fn up(&self) {
        tracing::info!("connected to RabbitMQ");
        self.connected.set(1);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.was_up = true;
        state.reason = None;
    }

    /// The same reason is logged once until the connection was there again.
    pub(crate) fn down(&self, reason: &impl Display) {
        self.connected.set(0);
        let reason = reason.to_string();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.reason.as_ref() != Some(&reason) {
            tracing::warn!(error = %reason, "no connection to RabbitMQ, trying again");
            state.reason = Some(reason);
        }
    }

    /// Once there was a connection, a later loss is no reason to take a service out of work: requests go on being
    /// answered, and events wait.
    pub(crate) fn ready(&self) -> Result<(), String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.was_up {
            return Ok(());
        }

        Err(state
            .reason
            .clone()
            .unwrap_or_else(|| "not connected yet".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_ready_after_its_first_connection() {
        let link = Link::new("sample_connected", "Sample.");
        link.down(&"refused");
        assert_eq!(link.ready(), Err("refused".to_owned()));

        link.up();
        link.down(&"reset");
        assert_eq!(link.ready(), Ok(()));
        assert_eq!(link.connected().get(), 0);
    }
}
