//! How long to wait before trying again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// What went well for so long starts over with the shortest delay.
const STEADY: Duration = Duration::from_secs(10);

/// Delays that double from 100 ms to 5 s.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The delay before the next try.
    pub(crate) fn next(&mut self) -> Duration {
        let delay = delay_after(self.tries);
        self.tries = self.tries.saturating_add(1);
        delay
    }

    /// The delay before the next try, when the last one went well for `lived`.
    pub(crate) fn next_after(&mut self, lived: Duration) -> Duration {
        if lived > STEADY {
            self.tries = 0;
        }
        self.next()
    }
}

/// The delay after `tries` that failed before.
pub(crate) fn delay_after(tries: u32) -> Duration {
    FIRST
        .saturating_mul(2u32.saturating_pow(tries))
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit() {
        let mut backoff = Backoff::default();
        let delays: Vec<_> = (0..8).map(|_| backoff.next().as_millis()).collect();

        assert_eq!(delays, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(delay_after(u32::MAX), LONGEST);
    }

    #[test]
    fn what_went_well_for_long_is_tried_again_soon() {
        let mut backoff = Backoff::default();
        let delays = [0, 1, 30].map(|lived| backoff.next_after(Duration::from_secs(lived)));

        assert_eq!(delays, [FIRST, FIRST * 2, FIRST]);
    }
}
