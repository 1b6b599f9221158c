//! Every post announced again, and what people who search notice of it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use super::Copies;
use super::beside::{ask, beside, row};
use crate::load::{Mixture, Request};
use crate::posts::Posts;
use crate::report::{Flow, Row};
use crate::rows::{REINDEXED, SEARCH_BESIDE_REINDEX, SEARCH_QUIET};
use crate::stage::Stage;
use crate::wait::PATIENCE;
use crate::words::Frequency;

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
    eprintln!("    {SEARCH_QUIET}");
    stage.bench.quiet(&stage.processes()).await?;
    let quiet = ask(stage, &search).await?;

    eprintln!("    {SEARCH_BESIDE_REINDEX}");
    let count = copies.count().await?;
    let (took, meanwhile) = beside(stage, &search, reindex(stage, count)).await?;

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
