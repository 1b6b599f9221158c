//! Which of several operators works: the one that holds the Lease.
//!
//! A holder writes until [`RENEWAL`] after it *sent* its last renewal, and others wait for [`lease::LEASE`] after they
//! *saw* it, which is later. So there are seconds in which nobody writes, and none in which two do, whatever the clocks
//! of their machines say; but for a write that was on its way already, and that is why writes carry preconditions.

mod lease;
mod tenure;

use std::fmt;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use self::tenure::Tenure;

use self::lease::{Decision, Seen, decide};
use crate::apply::FIELD_MANAGER;
use crate::error::{ApiError, chain};
use crate::metrics::Metrics;

/// How long a holder may go on after a renewal.
const RENEWAL: Duration = Duration::from_secs(10);
/// Between two renewals.
const INTERVAL: Duration = Duration::from_secs(5);
/// After a renewal that failed.
const RETRY: Duration = Duration::from_secs(1);
/// How often those who wait look whether the Lease was given up.
const LOOK: Duration = Duration::from_secs(1);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(3);

/// Why a holder is none any more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    #[error("{0} has taken the Lease")]
    Taken(String),

    #[error("the Lease could not be renewed within {} s", RENEWAL.as_secs())]
    NotRenewed,
}

/// What an attempt came to.
enum Standing {
    Held,
    Behind { holder: String, until: Instant },
}

/// One candidate.
pub struct Election {
    leases: Api<Lease>,
    name: String,
    me: String,
    tenure: Tenure,
    metrics: Metrics,
    seen: Option<Seen>,
    /// Whether the Lease was ours at the last answer, so that it can be renewed without another look.
    is_fresh: bool,
}

impl Election {
    /// Nothing happens until [`Election::win`]. No other candidate may be called `me`.
    pub fn new(
        client: Client,
        namespace: &str,
        name: String,
        me: String,
        tenure: Tenure,
        metrics: Metrics,
    ) -> Self {
        Self {
            leases: Api::namespaced(client, namespace),
            name,
            me,
            tenure,
            metrics,
            seen: None,
            is_fresh: false,
        }
    }

    /// Waits until the Lease is ours, from when on [`Election::keep`] has to run. `false` when told to stop before.
    pub async fn win(&mut self, shutdown: &CancellationToken) -> bool {
        let is_won = shutdown.run_until_cancelled(self.campaign()).await;
        if is_won.is_none() {
            // The last attempt may have succeeded unheard.
            self.release().await;
            return false;
        }
        info!(lease.holder = self.me, "leading");
        self.metrics.leads(true);

        true
    }

    /// Renews until that fails for too long or another holds the Lease: then whatever writes has to stop.
    pub async fn keep(&mut self) -> Lost {
        let lost = self.renew().await;
        self.tenure.end();
        self.metrics.leads(false);

        lost
    }

    /// Gives the Lease up, so that another takes it at its next look. Nothing may write any more.
    pub async fn release(&mut self) {
        self.tenure.end();
        self.metrics.leads(false);
        match timeout(ATTEMPT, self.give_up()).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => info!("gave up the Lease"),
            Ok(Err(error)) => warn!("failed to give up the Lease: {}", chain(&ApiError(error))),
            Err(_elapsed) => warn!("failed to give up the Lease: no answer"),
        }
    }

    async fn campaign(&mut self) {
        let mut told = Ok(String::new());
        loop {
            let attempt = timeout(ATTEMPT, self.attempt()).await;
            let (news, next) = match attempt.map_err(|_elapsed| NoAnswer) {
                Ok(Ok(Standing::Held)) => return,
                Ok(Ok(Standing::Behind { holder, until })) => (
                    Ok(format!("standing by for {holder}")),
                    until.min(Instant::now() + LOOK),
                ),
                // Another candidate was faster, or the holder renewed after all.
                Ok(Err(kube::Error::Api(refusal)))
                    if refusal.is_conflict() || refusal.is_already_exists() =>
                {
                    (told.clone(), Instant::now() + RETRY)
                }
                Ok(Err(error)) => (Err(cannot("take", &ApiError(error))), Instant::now() + LOOK),
                Err(no_answer) => (Err(cannot("take", &no_answer)), Instant::now() + LOOK),
            };
            if news != told {
                match &news {
                    Ok(news) => info!("{news}"),
                    Err(news) => warn!("{news}"),
                }
                told = news;
            }
            sleep_until(next).await;
        }
    }

    async fn renew(&mut self) -> Lost {
        let mut pause = INTERVAL;
        loop {
            let Some(end) = self.tenure.until() else {
                return Lost::NotRenewed;
            };
            sleep_until(end.min(Instant::now() + pause)).await;
            // A process that was stopped meanwhile must not even ask.
            if !self.tenure.is_held() {
                return Lost::NotRenewed;
            }

            let limit = end.min(Instant::now() + ATTEMPT);
            let attempt = timeout_at(limit, self.attempt()).await;
            pause = match attempt.map_err(|_elapsed| NoAnswer) {
                Ok(Ok(Standing::Held)) => INTERVAL,
                Ok(Ok(Standing::Behind { holder, .. })) => return Lost::Taken(holder),
                Ok(Err(error)) => {
                    warn!("{}", cannot("renew", &ApiError(error)));
                    RETRY
                }
                Err(no_answer) => {
                    warn!("{}", cannot("renew", &no_answer));
                    RETRY
                }
            };
        }
    }

    /// Looks, decides, writes. What is not heard of counts as not done; the next attempt looks at what became of it.
    async fn attempt(&mut self) -> Result<Standing, kube::Error> {
        if !std::mem::take(&mut self.is_fresh) {
            let found = self.leases.get_opt(&self.name).await?;
            // Only after the answer is it certain that a renewal it tells of had been sent.
            self.seen = Seen::after(self.seen.take(), found, Instant::now());
        }

        let sent = Instant::now();
        let decision = decide(self.seen.as_ref(), &self.me, sent);
        let answer = match decision {
            Decision::Wait { holder, until } => return Ok(Standing::Behind { holder, until }),
            Decision::Create => {
                let lease = lease::new(&self.name, &self.me, Timestamp::now());
                self.leases.create(&parameters(), &lease).await?
            }
            Decision::Write(lease) => {
                let lease = lease::held(*lease, &self.me, Timestamp::now());
                self.leases
                    .replace(&self.name, &parameters(), &lease)
                    .await?
            }
        };
        self.seen = Seen::after(self.seen.take(), Some(answer), Instant::now());
        self.is_fresh = true;
        self.tenure.extend(sent + RENEWAL);

        Ok(Standing::Held)
    }

    /// Whether it was ours to give up.
    async fn give_up(&mut self) -> Result<bool, kube::Error> {
        let found = self.leases.get_opt(&self.name).await?;
        let released = found.and_then(|lease| lease::released(lease, &self.me, Timestamp::now()));
        let Some(lease) = released else {
            return Ok(false);
        };
        self.leases
            .replace(&self.name, &parameters(), &lease)
            .await?;

        Ok(true)
    }
}

#[derive(Debug)]
struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {} s", ATTEMPT.as_secs())
    }
}

impl std::error::Error for NoAnswer {}

fn cannot(doing: &str, error: &dyn std::error::Error) -> String {
    format!("failed to {doing} the Lease: {}", chain(error))
}

fn parameters() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}

#[cfg(test)]
mod tests;
