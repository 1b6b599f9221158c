//! One row of the table: quiet first, a warm-up, and the middle one of several runs.

use std::time::Duration;

use anyhow::Result;

use crate::cores::Core;
use crate::load::{Mixture, Tools};
use crate::process::Process;
use crate::report::{Cost, Row};
use crate::stores::Stores;

const WARM_UP: Duration = Duration::from_secs(1);
/// Nobody is at work who uses less than a twentieth of a core for so long.
const QUIET: Duration = Duration::from_millis(500);
const QUIET_WITHIN: u32 = 120;

/// How the rows are measured.
pub struct Bench {
    pub tools: Tools,
    /// How long a run is.
    pub time: Duration,
    pub runs: usize,
    pub stores: Stores,
}

/// What a row is of.
pub struct Subject<'a> {
    pub name: &'a str,
    /// How many posts there are, where it matters.
    pub posts: Option<u64>,
    pub url: &'a str,
    /// Those whose processor time is shown.
    pub processes: &'a [&'a Process],
    /// Whether the time of MongoDB and Redis is shown too.
    pub shows_stores: bool,
    /// Where the load tool runs.
    pub core: Core,
}

type Times = Vec<(&'static str, Duration)>;

impl Bench {
    pub async fn row(&self, subject: &Subject<'_>, mixture: &Mixture) -> Result<Row> {
        eprintln!("    {}", subject.name);
        self.quiet(subject.processes).await?;
        let flood = |time| self.tools.flood(subject.url, mixture, time, subject.core);
        flood(WARM_UP).await?;
        let mut runs = Vec::new();
        for _ in 0..self.runs {
            let before = self.times(subject).await?;
            let outcome = flood(self.time).await?;
            let after = self.times(subject).await?;
            runs.push((outcome, costs(&before, &after, outcome.requests)));
        }
        runs.sort_by(|(one, _), (other, _)| one.per_second.total_cmp(&other.per_second));
        let (outcome, costs) = runs.swap_remove(runs.len() / 2);

        Ok(Row {
            name: subject.name.to_owned(),
            posts: subject.posts,
            outcome,
            costs,
        })
    }

    /// Waits until what an earlier row left to do is done: events to publish, copies to make.
    pub async fn quiet(&self, processes: &[&Process]) -> Result<()> {
        for _ in 0..QUIET_WITHIN {
            let before = self.all_times(processes).await?;
            tokio::time::sleep(QUIET).await;
            let after = self.all_times(processes).await?;
            let is_quiet = before
                .iter()
                .zip(&after)
                .all(|((_, before), (_, after))| *after - *before < QUIET / 20);
            if is_quiet {
                return Ok(());
            }
        }
        eprintln!("    … somebody is still at work; measuring all the same");

        Ok(())
    }

    async fn times(&self, subject: &Subject<'_>) -> Result<Times> {
        if subject.shows_stores {
            self.all_times(subject.processes).await
        } else {
            process_times(subject.processes)
        }
    }

    async fn all_times(&self, processes: &[&Process]) -> Result<Times> {
        let mut times = process_times(processes)?;
        times.push(("mongodb", self.stores.mongodb_cpu().await?));
        times.push(("redis", self.stores.redis_cpu().await?));

        Ok(times)
    }
}

fn process_times(processes: &[&Process]) -> Result<Times> {
    processes
        .iter()
        .map(|process| Ok((process.name, process.cpu()?)))
        .collect()
}

fn costs(before: &Times, after: &Times, requests: u64) -> Vec<Cost> {
    before
        .iter()
        .zip(after)
        .map(|((name, before), (_, after))| Cost {
            process: name,
            micros: (*after - *before).as_secs_f64() * 1e6 / requests.max(1) as f64,
        })
        .collect()
}

/// As a number of milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
