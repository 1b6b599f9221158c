//! Requests at a steady rate while something else goes on.

use anyhow::{Context as _, Result};
use tokio_util::sync::CancellationToken;

use crate::load::{Mixture, Outcome};
use crate::report::Row;
use crate::stage::Stage;

/// A rate that leaves the machine time for what goes on besides.
const PER_SECOND: u32 = 100;

/// Sends requests for a while.
pub async fn ask(stage: &Stage, requests: &Mixture) -> Result<Outcome> {
    let (bench, url) = (&stage.bench, &stage.gateway.url);

    bench
        .tools
        .pace(url, requests, bench.time, PER_SECOND)
        .await
}

/// Sends requests until `work` ends.
pub async fn beside<T>(
    stage: &Stage,
    requests: &Mixture,
    work: impl Future<Output = Result<T>>,
) -> Result<(T, Outcome)> {
    let ended = CancellationToken::new();
    let work = async {
        let done = work.await?;
        ended.cancel();
        anyhow::Ok(done)
    };
    // The load tool wants to know for how long; so it asks for a while, and again.
    let requests = async {
        let mut whiles = Vec::new();
        while !ended.is_cancelled() {
            whiles.push(ask(stage, requests).await?);
        }
        anyhow::Ok(whiles)
    };
    let (done, whiles) = tokio::try_join!(work, requests)?;
    let meanwhile = together(whiles).context("it ended before a request was sent")?;

    Ok((done, meanwhile))
}

/// A row about what was sent.
pub fn row(name: &str, outcome: Outcome) -> Row {
    Row {
        name: name.to_owned(),
        posts: None,
        outcome,
        costs: Vec::new(),
    }
}

/// One outcome of all: the middle p50 and the worst p99, since percentiles cannot be added.
fn together(mut outcomes: Vec<Outcome>) -> Option<Outcome> {
    outcomes.sort_unstable_by_key(|outcome| outcome.p50);
    let middle = outcomes.get(outcomes.len() / 2)?;
    let per_second = outcomes.iter().map(|outcome| outcome.per_second);

    Some(Outcome {
        requests: outcomes.iter().map(|outcome| outcome.requests).sum(),
        per_second: per_second.sum::<f64>() / outcomes.len() as f64,
        p50: middle.p50,
        p99: outcomes.iter().map(|outcome| outcome.p99).max()?,
        failed: outcomes.iter().map(|outcome| outcome.failed).sum(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn outcomes_are_put_together() {
        let outcome = |millis, failed| Outcome {
            requests: 100,
            per_second: 50.0,
            p50: Duration::from_millis(millis),
            p99: Duration::from_millis(10 * millis),
            failed,
        };
        let all = together(vec![outcome(3, 0), outcome(1, 2), outcome(2, 1)]).expect("some");

        assert_eq!((all.requests, all.failed), (300, 3));
        assert_eq!(all.p50, Duration::from_millis(2));
        assert_eq!(all.p99, Duration::from_millis(30));
        assert!(together(Vec::new()).is_none());
    }
}
