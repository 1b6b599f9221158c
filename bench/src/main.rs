//! `make bench`: what the services cost and how fast they are, beside what they are compared with.
//!
//! The services run as released programs on loopback, with real stores. Ratios taken in one run travel from machine to
//! machine; absolute figures do not. docs/performance.md explains each row.

mod settings;

mod goals;
mod report;
mod rows;

mod load;
mod measure;

mod cores;
mod platform;
mod process;
mod rivals;
mod stage;
mod wait;

mod posts;
mod stores;
mod words;

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser as _;

use crate::load::Tools;
use crate::measure::Bench;
use crate::platform::Places;
use crate::posts::Posts;
use crate::report::{Footprint, Report, Row, thousands};
use crate::settings::{POSTS_FOR_EVENTS, Part, Settings};
use crate::stage::Stage;
use crate::stores::Stores;

/// The middle one of so many starts counts.
const STARTS: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    let settings = Settings::parse();
    let started = Instant::now();
    say(&settings.budget());
    let places = Places::new()?;
    let bench = Bench {
        tools: Tools {
            wrk: settings.wrk.clone(),
            oha: settings.oha.clone(),
            script: settings.wrk_script.clone(),
            scratch: places.scratch.clone(),
            connections: settings.connections,
        },
        time: Duration::from_secs(settings.seconds_per_run),
        runs: settings.runs,
        stores: Stores::new().await?,
    };
    say("start the services");
    let mut stage = Stage::new(bench, places).await?;

    let measured = measure(&mut stage, &settings).await;
    stage.bench.stores.clear().await?;
    println!("{}", measured?);
    say(&format!("that took {} s", started.elapsed().as_secs()));

    Ok(())
}

async fn measure(stage: &mut Stage, settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    let mut made = Posts::new(&stage.bench.stores);
    if settings.measures(Part::Files) {
        say("memory of uploads");
        report.growth = rows::files::growth(stage).await?;
    }
    if settings.measures(Part::Proxies) {
        say("proxies");
        let rows = rows::proxies::measure(stage, &settings.rival).await?;
        report.rows.extend(rows);
    }
    if settings.measures(Part::Posts) {
        report
            .rows
            .extend(posts(stage, &mut made, &settings.sizes).await?);
    }
    if settings.measures(Part::Logins) {
        say("logins");
        report.rows.extend(rows::login::measure(stage).await?);
    }
    if settings.measures(Part::Files) {
        say("files");
        report.rows.extend(rows::files::measure(stage).await?);
    }
    // Last what stops processes and starts them again.
    report.footprints = footprints(stage).await?;
    if settings.measures(Part::Events) {
        if !settings.measures(Part::Posts) {
            made.teach_words().await?;
            made.grow(POSTS_FOR_EVENTS).await?;
        }
        say("events");
        let (rows, flows) = rows::events::measure(stage, &mut made).await?;
        report.rows.extend(rows);
        report.flows = flows;
    }
    report.goals = goals::goals(&report, &settings.sizes);

    Ok(report)
}

async fn footprints(stage: &mut Stage) -> Result<Vec<Footprint>> {
    let after = stage.resident().await?;
    let memory: Vec<_> = stage.idle.clone().into_iter().zip(after).collect();
    say("starts");
    let mut footprints = Vec::new();
    for (process, (idle, after)) in stage.processes_mut().into_iter().zip(memory) {
        let first = process.ready_after;
        let mut again = Vec::new();
        for _ in 0..STARTS {
            process.kill()?;
            process.start_again().await?;
            again.push(process.ready_after);
        }
        again.sort_unstable();
        footprints.push(Footprint {
            process: process.name,
            first_ready_millis: measure::millis(first),
            ready_millis: measure::millis(again[again.len() / 2]),
            idle,
            after,
        });
    }

    Ok(footprints)
}

async fn posts(stage: &Stage, posts: &mut Posts, sizes: &[u64]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    posts.teach_words().await?;
    for &size in sizes {
        say(&format!("make {} posts", thousands(size)));
        posts.grow(size).await?;
        say(&format!("{} posts", thousands(size)));
        rows.extend(rows::posts::measure(stage, posts, size).await?);
    }

    Ok(rows)
}

/// What is going on is told on standard error; standard output is for the tables.
fn say(what: &str) {
    eprintln!("==> {what}");
}
