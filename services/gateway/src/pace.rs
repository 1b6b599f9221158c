//! How slowly a body may pass before the place it takes is given to somebody else.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Nothing at all may pass for so long while it is waited for.
const STALL: Duration = Duration::from_secs(30);
/// A body has so long in any case, ...
const GRACE: Duration = Duration::from_secs(60);
/// ... and a second more for so many bytes.
const BYTES_PER_SECOND: u64 = 4 * 1024;

/// Watches one body.
#[derive(Debug)]
pub struct Pace {
    started: Instant,
    latest: Instant,
    passed: u64,
    /// Made when there is something to wait for, which for most bodies is never.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub fn new() -> Self {
        let now = Instant::now();

        Self {
            started: now,
            latest: now,
            passed: 0,
            timer: None,
        }
    }

    /// Counts bytes that passed; false when it took them too long.
    pub fn keeps(&mut self, bytes: usize) -> bool {
        self.passed += bytes as u64;
        self.latest = Instant::now();

        self.latest <= self.end()
    }

    /// Ready when it is not worth waiting for the next bytes any longer.
    pub fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.end().min(self.latest + STALL);
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }

        timer.as_mut().poll(cx)
    }

    fn end(&self) -> Instant {
        self.started + GRACE + Duration::from_secs(self.passed / BYTES_PER_SECOND)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{advance, timeout};

    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    async fn is_over_after(pace: &mut Pace, wait: Duration) -> bool {
        timeout(wait, poll_fn(|cx| pace.poll_over(cx)))
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_body_is_given_up() {
        let mut pace = Pace::new();

        assert!(!is_over_after(&mut pace, STALL - MOMENT).await);
        assert!(pace.keeps(1));
        assert!(!is_over_after(&mut pace, STALL - MOMENT).await);
        assert!(is_over_after(&mut pace, 2 * MOMENT).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up() {
        let mut pace = Pace::new();
        for _ in 0..GRACE.as_secs() {
            assert!(pace.keeps(1));
            advance(Duration::from_secs(1)).await;
        }
        advance(MOMENT).await;

        assert!(!pace.keeps(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_has_the_time_it_needs() {
        let mut pace = Pace::new();
        for _ in 0..3600 {
            assert!(pace.keeps(4 * 1024));
            advance(Duration::from_secs(1)).await;
        }
    }
}
