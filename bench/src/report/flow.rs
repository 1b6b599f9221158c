//! So many events, and how long they took.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use super::{rate, thousands};

/// Events that went from one place to another, one after the other as fast as they can.
#[derive(Debug, Clone)]
pub struct Flow {
    pub name: &'static str,
    pub events: u64,
    pub took: Duration,
    /// Its rate as a share of what the broker carries for somebody who does nothing else, where there is such a thing.
    pub of_bare: Option<f64>,
}

impl Flow {
    pub fn new(name: &'static str, events: u64, took: Duration) -> Self {
        Self {
            name,
            events,
            took,
            of_bare: None,
        }
    }

    pub fn per_second(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }

    /// Compared with what `bare` carries.
    #[must_use]
    pub fn beside(mut self, bare: &Self) -> Self {
        self.of_bare = Some(self.per_second() / bare.per_second());
        self
    }
}

impl Display for Flow {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let of_bare = self.of_bare.map(|share| format!("{share:.2} ×"));

        write!(
            f,
            "| {} | {} | {:.1} | {} | {} |",
            self.name,
            thousands(self.events),
            self.took.as_secs_f64(),
            rate(self.per_second()),
            of_bare.unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_compared_by_its_rate() {
        let bare = Flow::new("bare", 100, Duration::from_secs(1));
        let flow = Flow::new("flow", 10_000, Duration::from_secs(200)).beside(&bare);

        assert_eq!(bare.to_string(), "| bare | 100 | 1.0 | 100 |  |");
        assert_eq!(
            flow.to_string(),
            "| flow | 10,000 | 200.0 | 50.0 | 0.50 × |"
        );
    }
}
