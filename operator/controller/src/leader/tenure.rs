//! Until when this process may write.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// A time that ends by itself unless it is extended; clones tell of the same one.
///
/// It is asked at every write and not only when it ends: a process that was stopped for a minute must not go on with
/// what it was about to write.
#[derive(Debug, Clone, Default)]
pub struct Tenure(Arc<Mutex<Option<Instant>>>);

impl Tenure {
    pub fn extend(&self, until: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    pub fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// When it ends if it is not extended; `None` when it has not begun or has been ended.
    pub fn until(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_held(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() < until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_tenure_ends_by_itself_and_on_request() {
        let tenure = Tenure::default();
        assert!(!tenure.is_held());

        tenure.extend(Instant::now() + Duration::from_secs(10));
        assert!(tenure.is_held());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!tenure.is_held());

        tenure.extend(Instant::now() + Duration::from_secs(10));
        tenure.end();
        assert!(!tenure.is_held());
    }
}
