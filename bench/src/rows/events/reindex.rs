//! Every post announced again, and what people who search notice of it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Copies;
use crate::load::{Mixture, Outcome, Request};
use crate::posts::Posts;
use crate::report::{Flow, Row};
use crate::rows::{REINDEXED, SEARCH_BESIDE_REINDEX, SEARCH_QUIET};
use crate::stage::Stage;
use crate::wait::PATIENCE;
use crate::words::Frequency;

/// A rate that leaves the machine time for what goes on besides.
const SEARCHES_PER_SECOND: u32 = 100;
/// Slower than on any machine that this is meant for.
const POSTS_PER_SECOND_AT_LEAST: u64 = 100;

pub struct Reindex {
    /// Searches before it.
    pub quiet: Row,
    /// Searches while it went on.
    pub meanwhile: Row,
    pub announced: Flow,
}

pub async fn measure(stage: &Stage, posts: &mut Posts, copies: &Copies) -> Result<Reindex> {
    let word = posts.words().of(Frequency::Rare, 1);
    let word = word.first().context("there are words")?;
    let search = Request::get(format!("/v1/search/posts?query={word}"));
    let search = Mixture::one(search).by(&stage.token);
    let (bench, url) = (&stage.bench, &stage.gateway.url);
    let ask = || {
        bench
            .tools
            .pace(url, &search, bench.time, SEARCHES_PER_SECOND)
    };
    eprintln!("    {SEARCH_QUIET}");
    bench.quiet(&stage.processes()).await?;
    let quiet = ask().await?;

    eprintln!("    {SEARCH_BESIDE_REINDEX}");
    let count = copies.count().await?;
    let ended = CancellationToken::new();
    let reindex = async {
        let took = reindex(stage, count).await?;
        ended.cancel();
        anyhow::Ok(took)
    };
    // The load tool wants to know for how long; so it asks for a while, and again.
    let searches = async {
        let mut whiles = Vec::new();
        while !ended.is_cancelled() {
            whiles.push(ask().await?);
        }
        anyhow::Ok(whiles)
    };
    let (took, whiles) = tokio::try_join!(reindex, searches)?;
    let meanwhile = together(whiles).context("the reindex ended before a search began")?;

    Ok(Reindex {
        quiet: row(SEARCH_QUIET, quiet),
        meanwhile: row(SEARCH_BESIDE_REINDEX, meanwhile),
        announced: Flow::new(REINDEXED, count, took),
    })
}

/// Runs the program of the post service to its end, which it reaches when every post is announced.
async fn reindex(stage: &Stage, posts: u64) -> Result<Duration> {
    let within = PATIENCE + Duration::from_secs(posts / POSTS_PER_SECOND_AT_LEAST);
    let started = Instant::now();
    let output = Command::from(stage.services.post.process.task(&["reindex"]))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(within, output)
        .await
        .with_context(|| format!("{posts} posts are not announced again within {within:?}"))?
        .context("failed to start `post reindex`")?;
    let took = started.elapsed();
    ensure!(
        output.status.success(),
        "`post reindex` ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );

    Ok(took)
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

fn row(name: &str, outcome: Outcome) -> Row {
    Row {
        name: name.to_owned(),
        posts: None,
        outcome,
        costs: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
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
