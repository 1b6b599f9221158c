//! The way of events from the post service to the search service: how soon, how fast, and what is noticed of it.

mod beside;
mod copies;

mod account;
mod bare;
mod outage;
mod reindex;
mod searchable;

use anyhow::Result;

use self::copies::Copies;
use crate::posts::Posts;
use crate::report::{Flow, Row};
use crate::stage::Stage;

/// Events of one measurement: what 200 posts a second leave behind in 100 s.
const BACKLOG: u64 = 20_000;

pub async fn measure(stage: &mut Stage, posts: &mut Posts) -> Result<(Vec<Row>, Vec<Flow>)> {
    let copies = Copies::new(&stage.bench.stores);
    // Other rows may have left more to copy than `quiet` waits for.
    eprintln!("    … until search has a copy of every post");
    copies.complete().await?;
    let searchable = searchable::measure(stage, posts).await?;
    copies.complete().await?;

    let outage = outage::measure(stage, posts, &copies).await?;
    stage.bench.quiet(&stage.processes()).await?;
    let bare = bare::measure(&stage.bench.stores, posts.words()).await?;
    let reindex = reindex::measure(stage, posts, &copies).await?;
    let account = account::measure(stage, posts, &copies).await?;

    let rows = vec![
        searchable,
        reindex.quiet,
        reindex.meanwhile,
        account.meanwhile,
    ];
    let flows = vec![
        outage.announced.beside(&bare.published),
        outage.drained_by_media.beside(&bare.followed),
        outage.drained_by_search.beside(&bare.followed),
        bare.published,
        bare.followed,
        reindex.announced,
        account.deleted,
    ];

    Ok((rows, flows))
}
