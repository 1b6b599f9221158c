//! How soon what was written is found.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use reqwest::Client;
use serde_json::json;
use tokio::task::JoinSet;

use crate::load::Outcome;
use crate::posts::Posts;
use crate::report::Row;
use crate::rows::SEARCHABLE;
use crate::stage::{Stage, answer};

/// Far below what a machine carries, so that what is measured is the way and not a queue.
const CREATES_PER_SECOND: u32 = 200;
/// So many are not looked for, while connections are made: those of the first second.
const WARM_UP: u32 = CREATES_PER_SECOND;
/// One of so many is looked for: looking for all of them would be the greater load.
const LOOKED_FOR: u32 = 10;
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// What is not found by then counts as failed, and as found after so long.
const FOUND_WITHIN: Duration = Duration::from_secs(60);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Somebody who writes posts, and looks for them.
#[derive(Clone)]
struct Person {
    client: Client,
    url: String,
    token: String,
}

/// The rate is kept however long answers take. Its percentiles are of the time between the answer to a create and the
/// first search that finds the post.
pub async fn measure(stage: &Stage, posts: &mut Posts) -> Result<Row> {
    eprintln!("    {SEARCHABLE}");
    stage.bench.quiet(&stage.processes()).await?;
    let person = Person {
        client: stage.client.clone(),
        url: stage.gateway.url.clone(),
        token: stage.token.clone(),
    };
    let seconds = stage.bench.time.as_secs().max(1) * stage.bench.runs as u64;
    let creates = WARM_UP + CREATES_PER_SECOND * u32::try_from(seconds)?;

    // A tick that comes late does not delay those after it.
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / CREATES_PER_SECOND);
    let mut writing = JoinSet::new();
    let started = Instant::now();
    for number in 0..creates {
        let (person, word) = (person.clone(), word(number));
        let content = format!("{} {word}", posts.words().post());
        let is_looked_for = number >= WARM_UP && number.is_multiple_of(LOOKED_FOR);
        ticks.tick().await;
        writing.spawn(async move {
            person.write(&content).await?;
            if is_looked_for {
                return person.found_after(&word).await.map(Some);
            }
            Ok(None)
        });
    }
    let took = started.elapsed();
    let outcome = outcome(writing.join_all().await, took)?;

    Ok(Row {
        name: SEARCHABLE.to_owned(),
        posts: None,
        outcome,
        costs: Vec::new(),
    })
}

impl Person {
    async fn write(&self, content: &str) -> Result<()> {
        let post = self.client.post(format!("{}/v1/posts", self.url));
        let post = post
            .bearer_auth(&self.token)
            .timeout(ANSWER_WITHIN)
            .json(&json!({ "content": content }));

        answer(post).await.map(drop)
    }

    async fn found_after(&self, word: &str) -> Result<Duration> {
        let url = format!("{}/v1/search/posts?query={word}", self.url);
        let started = Instant::now();
        while started.elapsed() < FOUND_WITHIN {
            let search = self.client.get(&url).bearer_auth(&self.token);
            let found = answer(search.timeout(ANSWER_WITHIN)).await?;
            if found.as_array().is_some_and(|found| !found.is_empty()) {
                return Ok(started.elapsed());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }

        Ok(FOUND_WITHIN)
    }
}

/// In no other post. All are of one length, so that none is the beginning of another, and short enough that search
/// completes it to nothing else.
fn word(number: u32) -> String {
    format!("q{number:07}")
}

/// `took` is how long it took to begin all of it.
fn outcome(done: Vec<Result<Option<Duration>>>, took: Duration) -> Result<Outcome> {
    let requests = done.len() as u64;
    let mut failed = 0;
    let mut times = Vec::new();
    for one in done {
        match one {
            Ok(None) => {}
            Ok(Some(time)) => {
                failed += u64::from(time >= FOUND_WITHIN);
                times.push(time);
            }
            Err(error) => {
                if failed == 0 {
                    eprintln!("    … the first that failed: {error:#}");
                }
                failed += 1;
            }
        }
    }
    times.sort_unstable();
    let percentile = |percent| percentile(&times, percent).context("no post was found");

    Ok(Outcome {
        requests,
        per_second: requests as f64 / took.as_secs_f64(),
        p50: percentile(50)?,
        p99: percentile(99)?,
        failed,
    })
}

/// The least time that so many of all are not above.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);

    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();

        assert_eq!(percentile(&times, 50), Some(Duration::from_millis(100)));
        assert_eq!(percentile(&times, 99), Some(Duration::from_millis(198)));
        assert_eq!(percentile(&times[..1], 99), Some(Duration::from_millis(1)));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn what_is_not_found_has_failed() {
        let soon = Duration::from_millis(5);
        let done = vec![Ok(Some(soon)), Ok(Some(FOUND_WITHIN)), Ok(None)];
        let outcome = outcome(done, Duration::from_secs(1)).expect("an outcome");

        assert_eq!((outcome.requests, outcome.failed), (3, 1));
        assert_eq!((outcome.p50, outcome.p99), (soon, FOUND_WITHIN));
    }
}
