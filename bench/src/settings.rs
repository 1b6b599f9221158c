//! What is measured, and for how long.

use std::path::PathBuf;

use clap::{Parser, ValueEnum, value_parser};

/// Rows for each number of posts, and rows that do not depend on it.
const ROWS_PER_SIZE: u64 = 10;
const ROWS_OF_ANOTHER_PART: u64 = 4;
/// What comes with each row besides its runs: quiet, a warm-up, preparations.
const SECONDS_BESIDE: u64 = 3;
/// What making posts takes, with their indexes: about 25,000 a second.
const POSTS_PER_SECOND: u64 = 25_000;
/// What the events take besides their rows: an outage, its backlog, and the same without the services.
const SECONDS_OF_EVENTS: u64 = 60;
/// A reindex announces every post again, and search compares each with what it has.
const REINDEXED_PER_SECOND: u64 = 1_000;
/// Where only the events are measured, there are so many posts.
pub const POSTS_FOR_EVENTS: u64 = 10_000;

/// Measures the services, and prints the tables of docs/performance.md.
///
/// `make bench` calls it with everything it needs; where the stores listen it is told as the tests are.
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub struct Settings {
    /// How many posts there are, one measurement after the other, each more than the one before.
    #[arg(
        long,
        env = "SIZES",
        value_delimiter = ' ',
        default_value = "10000 200000 1000000"
    )]
    pub sizes: Vec<u64>,

    /// What is measured.
    #[arg(
        long,
        env = "ONLY",
        value_delimiter = ' ',
        default_value = "proxies posts logins files events"
    )]
    pub only: Vec<Part>,

    /// How long a run is, in seconds.
    #[arg(long, env = "SECONDS_PER_RUN", default_value_t = 4, value_parser = value_parser!(u64).range(1..))]
    pub seconds_per_run: u64,

    /// Of how many runs the middle one is shown.
    #[arg(long, env = "RUNS", default_value = "3")]
    pub runs: usize,

    /// How many connections carry the load.
    #[arg(long, default_value_t = 50)]
    pub connections: u32,

    /// The load tool for as much as there can be.
    #[arg(long, default_value = "wrk")]
    pub wrk: PathBuf,

    /// The load tool for a fixed rate.
    #[arg(long, default_value = "oha")]
    pub oha: PathBuf,

    /// The script that tells wrk what to send.
    #[arg(long, default_value = "bench/requests.lua")]
    pub wrk_script: PathBuf,

    /// Folder of the Node.js proxy, with what it depends on.
    #[arg(long)]
    pub rival: PathBuf,
}

/// Rows that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The gateway beside other proxies.
    Proxies,
    /// Reading, finding and writing posts.
    Posts,
    Logins,
    /// Uploads and downloads.
    Files,
    /// How soon and how fast the search service learns of posts.
    Events,
}

impl Settings {
    pub fn measures(&self, part: Part) -> bool {
        self.only.contains(&part)
    }

    /// What there is to do, and about how long it takes.
    pub fn budget(&self) -> String {
        let runs = self.runs as u64;
        let (sizes, posts) = if self.measures(Part::Posts) {
            (self.sizes.len() as u64, self.sizes.last().copied())
        } else {
            (0, None)
        };
        let others = self.only.iter().filter(|part| **part != Part::Posts);
        let rows = ROWS_PER_SIZE * sizes + ROWS_OF_ANOTHER_PART * others.count() as u64;
        let events = if self.measures(Part::Events) {
            SECONDS_OF_EVENTS + posts.unwrap_or(POSTS_FOR_EVENTS) / REINDEXED_PER_SECOND
        } else {
            0
        };
        let seconds = rows * (runs * self.seconds_per_run + SECONDS_BESIDE)
            + posts.unwrap_or_default() / POSTS_PER_SECOND
            + events;

        format!(
            "{rows} rows of {runs} runs of {} s each: about {} min",
            self.seconds_per_run,
            seconds.div_ceil(60)
        )
    }
}
