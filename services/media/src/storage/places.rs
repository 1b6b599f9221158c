//! How many buffers may be on the way from clients at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;

/// A client that has not filled its buffer by then goes on without a place. Those that are slow or stall hold little in
/// all, and must not keep the others waiting.
const LEASE: Duration = Duration::from_millis(100);

/// Places for buffers that clients fill. Clones share them.
#[derive(Debug, Clone)]
pub struct Places(Arc<Semaphore>);

/// A place, free again when this is dropped, or when the buffer is still not full after [`LEASE`].
#[derive(Debug)]
pub struct Place {
    lease: AbortOnDropHandle<()>,
    _held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Places {
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// A place for a buffer that is about to be filled. Who came first is served first.
    pub async fn take(&self) -> Place {
        let permit = self.0.clone().acquire_owned().await;
        let held = Arc::new(Mutex::new(permit.ok()));
        let lent = held.clone();
        let lease = tokio::spawn(async move {
            tokio::time::sleep(LEASE).await;
            lent.lock().unwrap_or_else(PoisonError::into_inner).take();
        });

        Place {
            lease: AbortOnDropHandle::new(lease),
            _held: held,
        }
    }
}

impl Place {
    /// The buffer is full: what is waited for from here on is no client.
    pub fn keep(&self) {
        self.lease.abort();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn there_are_no_more_places_than_said() {
        let places = Places::new(2);
        let held = [places.take().await, places.take().await];
        for place in &held {
            place.keep();
        }
        let mut third = Box::pin(places.take());
        tokio::time::sleep(2 * LEASE).await;
        assert!(third.as_mut().now_or_never().is_none());

        drop(held);
        third.await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_fill_its_buffer_loses_its_place() {
        let places = Places::new(1);
        let held = places.take().await;
        places.take().await;
        drop(held);
    }
}
