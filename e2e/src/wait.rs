//! Waiting for a condition, with a deadline and a message that says what was missing.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

const PAUSE: Duration = Duration::from_millis(100);

/// What a look at a condition found.
#[derive(Debug)]
pub enum Look<T> {
    There(T),
    /// Not there yet, and what was seen instead.
    NotYet(String),
}

impl Look<()> {
    /// There when `holds`; otherwise `seen` is what there was.
    pub fn when(holds: bool, seen: impl FnOnce() -> String) -> Self {
        if holds {
            Self::There(())
        } else {
            Self::NotYet(seen())
        }
    }
}

/// Looks until the condition is there, `within` at the longest. A look that fails ends the wait.
pub async fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<Look<T>>,
) -> Result<T> {
    let deadline = Instant::now() + within;
    loop {
        let seen = match look().await? {
            Look::There(found) => return Ok(found),
            Look::NotYet(seen) => seen,
        };
        if Instant::now() >= deadline {
            bail!("waited {within:?} for {what}; last seen: {seen}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_that_comes_true_is_returned() {
        let mut looks = 0;
        let found = until("the third look", Duration::from_secs(5), async || {
            looks += 1;
            Ok(match looks {
                3 => Look::There(looks),
                _ => Look::NotYet(format!("look {looks}")),
            })
        })
        .await
        .unwrap();

        assert_eq!(found, 3);
    }

    #[tokio::test]
    async fn a_deadline_says_what_was_seen_instead() {
        let error = until("a ready pod", Duration::ZERO, async || {
            Ok(Look::<()>::NotYet("0 of 1".to_owned()))
        })
        .await
        .unwrap_err();

        assert_eq!(
            error.to_string(),
            "waited 0ns for a ready pod; last seen: 0 of 1"
        );
    }
}
