//! The time of day, as tokens count it.

use std::time::UNIX_EPOCH;

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> i64 {
    let elapsed = UNIX_EPOCH.elapsed().unwrap_or_default();

    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}
