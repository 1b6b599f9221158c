//! Whatever breaks while people write: nothing that was acknowledged is lost, and search and media agree with the posts.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::chaos::{
    Count, Crowd, Findings, NodeShell, Poison, Scene, Truth, UNCLAIMED_UPLOAD_TTL_SECONDS, at_rest,
    order,
};
use e2e::{Namespace, Platform, Settings, alone_in_namespace};
use serde_json::json;

/// Everybody is at work before the first fault.
const WARM_UP: u64 = 100;
/// The longest there is, so that nobody has to log in again amid the faults.
const ACCESS_TOKEN_TTL_SECONDS: u32 = 86_400;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn posts_search_and_files_agree_whatever_breaks() -> Result<()> {
    let settings = Settings::from_environment()?;
    let limit = Duration::from_secs(settings.chaos_seconds);
    alone_in_namespace("chaos", limit, async |namespace| {
        let platform = start(namespace).await?;
        let node = NodeShell::open(&platform, limit).await?;
        let outcome = break_things(&platform, &node, &settings).await;
        let closed = node.close().await;

        outcome.and(closed)
    })
    .await
}

async fn start(namespace: &Namespace) -> Result<Platform> {
    let platform = Platform::exposed(namespace).await?;
    let change = json!({ "spec": {
        "identity": { "accessTokenTtlSeconds": ACCESS_TOKEN_TTL_SECONDS },
        "media": { "unclaimedUploadTtlSeconds": UNCLAIMED_UPLOAD_TTL_SECONDS },
        "post": { "replicas": 2 },
    } });
    platform.edit(change).await?;
    platform.ready().await?;

    Ok(platform)
}

async fn break_things(platform: &Platform, node: &NodeShell, settings: &Settings) -> Result<()> {
    let began = Instant::now();
    let seed = settings.chaos_seed.unwrap_or_else(any_seed);
    let faults = order(seed, settings.chaos_faults);
    println!("chaos of seed {seed} with {} faults", faults.len());

    let api = platform.public_api()?;
    let mut crowd = Crowd::start(&api, seed).await?;
    crowd.tally().more_ok(WARM_UP).await?;
    for fault in &faults {
        let scene = Scene {
            platform,
            node,
            tally: crowd.tally(),
        };
        scene.survive(*fault).await?;
    }
    let journals = crowd.stop().await?;
    let count = crowd.tally().count();

    at_rest(platform).await?;
    // Of poison that is delivered at least once a copy may have come behind what was dropped.
    Poison::drop_all(platform).await?;
    let dead_letters = at_rest(platform).await?;
    let truth = Truth::read(&api, &journals).await?;
    let mut findings = Findings::of_posts(&journals, &truth);
    findings.add_search(&api, &journals, &truth).await?;
    findings.add_files(platform, &journals, &truth).await?;
    let summary = summary(seed, faults.len(), count, &findings, dead_letters, began);
    println!("{summary}");

    if !findings.refusals.is_empty() {
        println!("{}", findings.witnesses(platform).await?);
    }
    ensure!(
        findings.is_clean() && dead_letters == 0,
        "{summary}\n{findings}"
    );

    Ok(())
}

/// Short enough to be typed again.
fn any_seed() -> u64 {
    jiff::Timestamp::now()
        .as_millisecond()
        .unsigned_abs()
        .rem_euclid(1_000_000)
}

fn summary(
    seed: u64,
    faults: usize,
    count: Count,
    findings: &Findings,
    dead_letters: u64,
    began: Instant,
) -> String {
    let Findings {
        lost,
        ghosts,
        duplicates,
        orphans,
        refusals: _,
    } = findings;

    format!(
        "chaos of seed {seed}: {} operations, {count}, {faults} faults, {} lost, {} ghosts, {} duplicates, {} orphans, \
         {dead_letters} dead letters, {:.0} seconds",
        count.all(),
        lost.len(),
        ghosts.len(),
        duplicates.len(),
        orphans.len(),
        began.elapsed().as_secs_f64()
    )
}
