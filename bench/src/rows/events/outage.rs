//! An outage of the media and the search service: how fast the changes of posts are announced meanwhile, and how fast
//! each of the two catches up.

use std::time::{Duration, Instant};

use anyhow::Result;
use mongodb::bson::DateTime;

use super::{BACKLOG, Copies};
use crate::posts::Posts;
use crate::report::Flow;
use crate::rows::{ANNOUNCED, DRAINED, DRAINED_BY_MEDIA};
use crate::stage::Stage;
use crate::wait::until;

/// No process announces what is due so late; nothing here takes as long.
const LATER: Duration = Duration::from_secs(60 * 60);

pub struct Outage {
    /// From the first change to the last, while nobody followed them.
    pub announced: Flow,
    /// From the start of media until it had heard of every post.
    pub drained_by_media: Flow,
    /// From the start of search until it had a copy of every post.
    pub drained_by_search: Flow,
}

pub async fn measure(stage: &mut Stage, posts: &mut Posts, copies: &Copies) -> Result<Outage> {
    eprintln!("    {ANNOUNCED}");
    stage.bench.quiet(&stage.processes()).await?;
    stage.services.search.process.kill()?;
    stage.services.media.process.kill()?;
    let noted = copies.noted().await?;
    let announced = announce(posts, copies).await?;

    // Each is to have the machine to itself.
    eprintln!("    {DRAINED_BY_MEDIA}");
    let services = &stage.services;
    let others = [&services.post, &services.uncached_post].map(|service| &service.process);
    stage.bench.quiet(&others).await?;
    let started = Instant::now();
    stage.services.media.process.start_again().await?;
    until("media has heard of every post", async || {
        Ok(copies.noted().await? == noted + BACKLOG)
    })
    .await?;
    let drained_by_media = Flow::new(DRAINED_BY_MEDIA, BACKLOG, started.elapsed());

    eprintln!("    {DRAINED}");
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
        drained_by_media,
        drained_by_search: Flow::new(DRAINED, BACKLOG, started.elapsed()),
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
