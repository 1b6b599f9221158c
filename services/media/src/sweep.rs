//! Removing, from time to time, what nobody will ask for. Every replica does it; they do not mind each other.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::storage::StorageError;
use crate::store::Store;

const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Sweeps until `shutdown`, files that no post has shown for `unclaimed` among the rest.
pub async fn sweep(store: Store, unclaimed: Duration, shutdown: CancellationToken) {
    let pause = (unclaimed / 4).clamp(Duration::from_millis(250), LONGEST_PAUSE);
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
        tell("unclaimed files", store.sweep_unclaimed(unclaimed).await);
        tell("unfinished uploads", store.sweep_unfinished().await);
    }
}

fn tell(what: &str, swept: Result<u64, StorageError>) {
    match swept {
        Ok(0) => {}
        Ok(count) => tracing::info!(media.removed = count, "removed {what}"),
        Err(error) if error.is_unavailable() => {
            tracing::debug!(%error, "{what} are left for the next sweep");
        }
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "failed to remove {what}"
        ),
    }
}
