//! How operations ended, counted while more of them are under way.

use std::fmt;
use std::ops::Sub;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;

use crate::wait::{Look, until};

/// Longer than a store's clients take to find it again, and than all requests that hang take to be given up.
const SERVED_WITHIN: Duration = Duration::from_secs(120);

/// How an operation ended, as far as the caller can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Acknowledged: it took place.
    Ok,
    /// Refused, though nothing was wrong with it.
    Failed,
    /// It took place, or did not, or will.
    Unknown,
}

/// Operations that have ended.
#[derive(Debug, Default)]
pub struct Tally {
    ok: AtomicU64,
    failed: AtomicU64,
    unknown: AtomicU64,
}

/// A [`Tally`] at one moment, or between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub ok: u64,
    pub failed: u64,
    pub unknown: u64,
}

impl Tally {
    pub fn note(&self, end: End) {
        let counter = match end {
            End::Ok => &self.ok,
            End::Failed => &self.failed,
            End::Unknown => &self.unknown,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count(&self) -> Count {
        Count {
            ok: self.ok.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            unknown: self.unknown.load(Ordering::Relaxed),
        }
    }

    /// Waits until so many more operations were acknowledged.
    pub async fn more_ok(&self, more: u64) -> Result<()> {
        let wanted = self.count().ok + more;
        let what = format!("{more} more operations to be acknowledged");
        until(&what, SERVED_WITHIN, async || {
            let count = self.count();
            let missing = wanted.saturating_sub(count.ok);

            Ok(Look::when(missing == 0, || {
                format!("{count}, {missing} are missing")
            }))
        })
        .await
    }
}

impl Count {
    pub fn all(self) -> u64 {
        self.ok + self.failed + self.unknown
    }
}

impl Sub for Count {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            ok: self.ok - before.ok,
            failed: self.failed - before.failed,
            unknown: self.unknown - before.unknown,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ok,
            failed,
            unknown,
        } = self;

        write!(formatter, "{ok} ok, {failed} failed, {unknown} unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_between_two_moments_is_their_difference() {
        let tally = Tally::default();
        tally.note(End::Ok);
        let before = tally.count();
        tally.note(End::Ok);
        tally.note(End::Unknown);
        let between = tally.count() - before;

        assert_eq!(between.to_string(), "1 ok, 0 failed, 1 unknown");
        assert_eq!(tally.count().all(), 3);
    }
}
