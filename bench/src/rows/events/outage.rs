//! An outage of the search service: how fast the changes of posts are announced meanwhile, and how fast it catches up.

use std::time::{Duration, Instant};

use anyhow::Result;
use mongodb::bson::DateTime;

use super::{BACKLOG, Copies};
use crate::posts::Posts;
use crate::report::Flow;
use crate::rows::{ANNOUNCED, DRAINED};
use crate::stage::Stage;
use crate::wait::until;

/// No process announces what is due so late; nothing here takes as long.
const LATER: Duration = Duration::from_secs(60 * 60);

pub struct Outage {
    /// From the first change to the last, while search was away.
    pub announced: Flow,
    /// From the start of search until it had a copy of every post.
    pub drained: Flow,
}

pub async fn measure(stage: &mut Stage, posts: &mut Posts, copies: &Copies) -> Result<Outage> {
    eprintln!("    {ANNOUNCED}");
    stage.bench.quiet(&stage.processes()).await?;
    stage.services.search.process.kill()?;
    let announced = announce(posts, copies).await?;

    eprintln!("    {DRAINED}");
    // The media service has followed the same events, and search is to have the machine to itself.
    let services = &stage.services;
    let others = [&services.post, &services.uncached_post, &services.media];
    stage
        .bench
        .quiet(&others.map(|service| &service.process))
        .await?;
    let started = Instant::now();
    stage.services.search.process.start_again().await?;
    copies.complete().await?;

    Ok(Outage {
        announced,
        drained: Flow::new(DRAINED, BACKLOG, started.elapsed()),
    })
}

/// Writing takes no part in it: posts are left as a process that died would leave them, and are due all at once.
async fn announce(posts: &mut Posts, copies: &Copies) -> Result<Flow> {
    let later = i64::try_from(LATER.as_millis())?;
    let later = DateTime::from_millis(DateTime::now().timestamp_millis() + later);
    posts.add_unannounced(BACKLOG, later).await?;
    // Processes look for work each second. What is timed begins with the first change that is done.
    let begun = async {
        until("a change of a post is announced", async || {
            Ok(copies.pending().await? < BACKLOG)
        })
        .await?;
        anyhow::Ok(Instant::now())
    };
    let ((), started) = tokio::try_join!(copies.make_due(), begun)?;
    copies.announced().await?;

    Ok(Flow::new(ANNOUNCED, BACKLOG, started.elapsed()))
}
