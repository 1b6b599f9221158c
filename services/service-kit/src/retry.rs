//! Waiting for a dependency that is away.

use std::fmt::Display;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// Does `work` until it succeeds, with a growing delay between tries; nothing when `shutdown` comes first.
///
/// `doing` completes the sentence "failed to …" in the log, which says each reason once until it changes.
pub async fn until_ok<T, E: Display, F: Future<Output = Result<T, E>>>(
    doing: &str,
    shutdown: &CancellationToken,
    mut work: impl FnMut() -> F,
) -> Option<T> {
    let mut delay = FIRST_DELAY;
    let mut said = String::new();
    loop {
        let result = tokio::select! {
            result = work() => result,
            () = shutdown.cancelled() => return None,
        };
        match result {
            Ok(value) => return Some(value),
            Err(error) => {
                let reason = error.to_string();
                if reason != said {
                    tracing::warn!(error = %reason, "failed to {doing}, trying again");
                    said = reason;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = shutdown.cancelled() => return None,
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_repeated_until_it_succeeds() {
        let mut tries = 0;
        let result = until_ok("count", &CancellationToken::new(), || {
            tries += 1;
            std::future::ready(if tries < 3 { Err("too few") } else { Ok(tries) })
        })
        .await;

        assert_eq!(result, Some(3));
    }

    #[tokio::test]
    async fn waiting_ends_with_the_service() {
        let shutdown = CancellationToken::new();
        shutdown.cancel();

        assert_eq!(
            until_ok("wait", &shutdown, async || Err::<(), _>("away")).await,
            None
        );
    }
}
