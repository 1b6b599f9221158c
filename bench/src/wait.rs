//! Waiting for what takes as long as it takes, but not for ever.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// A slow machine may take minutes for what takes seconds elsewhere; after a quarter of an hour something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// Short beside what is timed with it, and long beside what it takes to ask.
const POLL: Duration = Duration::from_millis(20);

/// Waits until a condition holds. `what` it is says why the wait was given up.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !holds().await? {
        ensure!(
            started.elapsed() < PATIENCE,
            "not so within {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(POLL).await;
    }

    Ok(())
}
