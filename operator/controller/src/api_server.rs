//! Whether the API server answers and knows `SocialPlatform`, asked again and again.
//!
//! The operator starts its watches after the first good answer and reports every later one in `/readyz`; it never
//! exits for want of the API server or of the resource's definition, both of which can come later. `operator check` asks
//! once, and everywhere.

use std::fmt;
use std::time::Duration;

use kube::api::ListParams;
use kube::{Api, Client};
use operator_api::SocialPlatform;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::error::{ApiError, chain};
use crate::scope::Scope;

/// Between two questions when all is well, and the most between two when it is not.
const INTERVAL: Duration = Duration::from_secs(10);
const FIRST_RETRY: Duration = Duration::from_millis(500);

/// What the last question came to. `Display` is the sentence `/readyz` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    Unknown,
    Reached,
    DefinitionMissing,
    Forbidden,
    Unreachable(String),
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("waiting for the first answer of the API server"),
            Self::Reached => f.write_str("the API server answers"),
            Self::DefinitionMissing => f.write_str(
                "waiting for the CustomResourceDefinition socialplatforms.socialplatform.io",
            ),
            Self::Forbidden => f.write_str(
                "waiting for the right to list socialplatforms: see the operator's role",
            ),
            Self::Unreachable(why) => write!(f, "waiting for the API server: {why}"),
        }
    }
}

/// Why `operator check` fails.
#[derive(Debug, thiserror::Error)]
#[error("socialplatforms of {place} cannot be listed: {reach}")]
pub struct Refused {
    place: String,
    reach: Reach,
}

/// Asks until `shutdown`; every answer is put into `reach`, every change is logged.
pub async fn ask(
    client: Client,
    scope: Scope,
    reach: watch::Sender<Reach>,
    shutdown: CancellationToken,
) {
    let mut retry = FIRST_RETRY;

    loop {
        let seen = somewhere(&client, &scope).await;
        let pause = if seen == Reach::Reached {
            INTERVAL
        } else {
            retry
        };
        retry = if seen == Reach::Reached {
            FIRST_RETRY
        } else {
            (retry * 2).min(INTERVAL)
        };
        publish(&reach, seen);

        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Asks everywhere, once. The first place that cannot be reached is the answer.
pub async fn check(client: &Client, scope: &Scope) -> Result<(), Refused> {
    for place in scope.places() {
        match question(&place.api(client)).await {
            Reach::Reached => {}
            reach => {
                return Err(Refused {
                    place: place.to_string(),
                    reach,
                });
            }
        }
    }

    Ok(())
}

/// One place that is reached will do: a namespace that is gone, and its role with it, must not stop all others.
async fn somewhere(client: &Client, scope: &Scope) -> Reach {
    let mut first = None;
    for place in scope.places() {
        match question(&place.api(client)).await {
            Reach::Reached => return Reach::Reached,
            reach => {
                first.get_or_insert(reach);
            }
        }
    }

    first.unwrap_or(Reach::Unknown)
}

/// A list of at most one object: the cheapest question that also needs the definition and the right to read.
async fn question(platforms: &Api<SocialPlatform>) -> Reach {
    let answer = platforms
        .list_metadata(&ListParams::default().limit(1))
        .await;

    answer.map_or_else(reach, |_| Reach::Reached)
}

fn reach(error: kube::Error) -> Reach {
    match error {
        // By the code and not by the reason: a group nobody has defined is answered in plain text.
        kube::Error::Api(status) if status.code == 404 => Reach::DefinitionMissing,
        kube::Error::Api(status) if status.code == 403 => Reach::Forbidden,
        error => Reach::Unreachable(chain(&ApiError(error))),
    }
}

fn publish(reach: &watch::Sender<Reach>, seen: Reach) {
    reach.send_if_modified(|known| {
        let is_new = *known != seen;
        if is_new && seen == Reach::Reached {
            info!("{seen}");
        } else if is_new {
            warn!("{seen}");
        }
        *known = seen;
        is_new
    });
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn refusal(message: &str, reason: &str, code: u16) -> Reach {
        reach(kube::Error::Api(
            Status::failure(message, reason).with_code(code).boxed(),
        ))
    }

    #[test]
    fn a_definition_that_is_missing_is_told_from_a_right_that_is() {
        let plain = refusal("404 page not found", "Failed to parse error data", 404);

        assert_eq!(plain, Reach::DefinitionMissing);
        assert_eq!(refusal("", "NotFound", 404), Reach::DefinitionMissing);
        assert_eq!(refusal("", "Forbidden", 403), Reach::Forbidden);
    }

    #[test]
    fn any_other_failure_is_told_in_its_own_words() {
        let overloaded = refusal("try again later", "ServiceUnavailable", 503);

        assert_eq!(
            overloaded.to_string(),
            "waiting for the API server: try again later"
        );
    }
}
