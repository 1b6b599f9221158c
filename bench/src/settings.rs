//! What is measured, and for how long.

use std::path::PathBuf;

use clap::{Parser, value_parser};

/// Rows for each number of posts, and rows that do not depend on it.
const ROWS_PER_SIZE: u64 = 10;
const OTHER_ROWS: u64 = 10;
/// What comes with each row besides its runs: quiet, a warm-up, preparations.
const SECONDS_BESIDE: u64 = 3;
/// What making posts takes, with their indexes: about 25,000 a second.
const POSTS_PER_SECOND: u64 = 25_000;

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

impl Settings {
    /// What there is to do, and about how long it takes.
    pub fn budget(&self) -> String {
        let runs = self.runs as u64;
        let rows = ROWS_PER_SIZE * self.sizes.len() as u64 + OTHER_ROWS;
        let posts = self.sizes.last().copied().unwrap_or_default();
        let seconds =
            rows * (runs * self.seconds_per_run + SECONDS_BESIDE) + posts / POSTS_PER_SECOND;

        format!(
            "{rows} rows of {runs} runs of {} s each: about {} min",
            self.seconds_per_run,
            seconds.div_ceil(60)
        )
    }
}
