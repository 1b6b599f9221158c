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
    report.footprints = footprints(stage).await?;
    // Last, because they stop a process and start it again.
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

async fn footprints(stage: &Stage) -> Result<Vec<Footprint>> {
    let after = stage.resident().await?;
    let memory = stage.idle.iter().zip(after);
    let footprints = stage.processes().into_iter().zip(memory);

    Ok(footprints
        .map(|(process, (&idle, after))| Footprint {
            process: process.name,
            ready_millis: measure::millis(process.ready_after),
            idle,
            after,
        })
        .collect())
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
