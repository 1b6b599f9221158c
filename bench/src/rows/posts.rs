//! Reading, finding and writing posts, with so many of them there.

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use super::{
    CREATE, CREATE_MANY_PAGES, LIST, LIST_CACHED, LIST_DEEP, MIXED, ONE_POST, SEARCH_COMMON,
    SEARCH_MIDDLE, SEARCH_RARE,
};
use crate::load::{Body, Mixture, Request};
use crate::measure::Subject;
use crate::platform::Service;
use crate::posts::Posts;
use crate::report::Row;
use crate::stage::{Stage, text};
use crate::words::Frequency;

const FIRST_PAGE: &str = "/v1/posts?limit=10";
/// Before page 10,000, ten posts each, are 99,990 posts; after a thousand pages of a hundred come the next ten.
const PAGES_TO_WALK: u64 = 1_000;
const WALKED_PAGE: u64 = 100;
const IDS: u64 = 1_000;
const QUERIES: usize = 200;
const NEW_POSTS: usize = 500;
const CACHED_PAGES: u32 = 10_000;

pub async fn measure(stage: &Stage, posts: &mut Posts, count: u64) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let first = Mixture::one(Request::get(FIRST_PAGE)).by(&stage.token);
    rows.push(row(stage, LIST_CACHED, count, &first).await?);
    rows.push(uncached(stage, LIST, count, &first).await?);
    if count >= PAGES_TO_WALK * WALKED_PAGE + 10 {
        let path = format!("{FIRST_PAGE}&cursor={}", deep_cursor(stage).await?);
        let deep = Mixture::one(Request::get(path)).by(&stage.token);
        rows.push(uncached(stage, LIST_DEEP, count, &deep).await?);
    }

    let ids = posts.ids(IDS).into_iter();
    let ids = ids.map(|id| Request::get(format!("/v1/posts/{id}")));
    let one = Mixture::of(ids.collect()).by(&stage.token);
    rows.push(row(stage, ONE_POST, count, &one).await?);

    for (name, frequency) in [
        (SEARCH_RARE, Frequency::Rare),
        (SEARCH_MIDDLE, Frequency::Middle),
        (SEARCH_COMMON, Frequency::Common),
    ] {
        let words = posts.words().of(frequency, QUERIES).into_iter();
        let queries = words.map(|word| Request::get(format!("/v1/search/posts?query={word}")));
        let queries = Mixture::of(queries.collect()).by(&stage.token);
        rows.push(row(stage, name, count, &queries).await?);
    }

    let new = new_posts(posts);
    let create = Mixture::of(new.clone()).by(&stage.token).json();
    rows.push(row(stage, CREATE, count, &create).await?);
    fill_cache(stage).await?;
    rows.push(row(stage, CREATE_MANY_PAGES, count, &create).await?);
    let mixed = new.into_iter().flat_map(|new| {
        let reads = std::iter::repeat_n(Request::get(FIRST_PAGE), 19);
        reads.chain([new])
    });
    let mixed = Mixture::of(mixed.collect()).by(&stage.token).json();
    rows.push(row(stage, MIXED, count, &mixed).await?);

    Ok(rows)
}

async fn row(stage: &Stage, name: &str, posts: u64, mixture: &Mixture) -> Result<Row> {
    let (gateway, post, search) = (&stage.gateway, &stage.services.post, &stage.services.search);
    let processes = [gateway, post, search].map(|service| &service.process);
    let subject = Subject {
        posts: Some(posts),
        ..stage.subject(name, &processes)
    };

    stage.bench.row(&subject, mixture).await
}

async fn uncached(stage: &Stage, name: &str, posts: u64, mixture: &Mixture) -> Result<Row> {
    let Service { process, url } = &stage.uncached;
    let processes = [process, &stage.services.uncached_post.process];
    let subject = Subject {
        posts: Some(posts),
        url,
        ..stage.subject(name, &processes)
    };

    stage.bench.row(&subject, mixture).await
}

/// The way there is the one a client has: page after page.
async fn deep_cursor(stage: &Stage) -> Result<String> {
    let list = format!("{}/v1/posts?limit={WALKED_PAGE}", stage.uncached.url);
    let mut url = list.clone();
    let mut cursor = String::new();
    for _ in 0..PAGES_TO_WALK {
        cursor = text(&stage.get(&url).await?, "nextCursor")?;
        url = format!("{list}&cursor={cursor}");
    }

    Ok(cursor)
}

fn new_posts(posts: &mut Posts) -> Vec<Request> {
    let request = |_| {
        let post = json!({ "content": posts.words().post() });
        Request::post("/v1/posts", Body::Text(post.to_string()))
    };

    (0..NEW_POSTS).map(request).collect()
}

/// Asks for as many different pages as there are before a page by number is too far.
async fn fill_cache(stage: &Stage) -> Result<()> {
    let url = &stage.gateway.url;

    stream::iter(1..=CACHED_PAGES)
        .map(|page| async move {
            stage
                .get(&format!("{url}/v1/posts?limit=1&page={page}"))
                .await
        })
        .buffer_unordered(50)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await
}
