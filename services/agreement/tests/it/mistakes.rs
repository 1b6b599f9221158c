//! The checker checked: what it is to find, it finds, and nothing where nothing is wrong.
//!
//! For each of eight mistakes there is something that happens to the services. It is harmless, and is not when they make
//! the mistake.

use std::time::Duration;

use faults::{Bug, Point};
use futures::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};

use crate::audit::Kind;
use crate::broker::QUEUES;
use crate::platform::Platform;

/// The longest that anything is to take is the end of a lease.
const PATIENCE: Duration = Duration::from_secs(60);
/// What never ends is not waited for so long.
const IMPATIENCE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);
/// Platforms beside each other: they mostly wait.
const AT_ONCE: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn each_of_eight_mistakes_is_found_and_nothing_without_one() {
    let all = Bug::ALL
        .into_iter()
        .flat_map(|bug| [(bug, true), (bug, false)]);
    let trials = stream::iter(all.map(|(bug, is_made)| trial(bug, is_made)));
    let wrong: Vec<_> = trials.buffer_unordered(AT_ONCE).concat().await;

    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the checker says that it should not, and what it does not say.
async fn trial(bug: Bug, is_made: bool) -> Vec<String> {
    let mut platform = Platform::start(is_made.then_some(bug)).await;
    provoke(&mut platform, bug).await;
    let expected = what_comes_of(bug);
    let is_endless = is_made && expected == Kind::Unsettled;
    let patience = if is_endless { IMPATIENCE } else { PATIENCE };
    let findings = platform.audit(patience).await;
    platform.end().await;
    let made = if is_made { "made" } else { "not made" };
    println!("{bug:?}, {made}: {} findings", findings.len());
    for finding in &findings {
        println!("    {finding}");
    }
    if !is_made {
        return findings
            .iter()
            .map(|finding| format!("{bug:?} is not made: {finding}"))
            .collect();
    }
    if findings.iter().any(|finding| finding.kind == expected) {
        return Vec::new();
    }

    vec![format!("{bug:?} is made, and {expected:?} is not found")]
}

/// Has happen what the mistake makes harmful.
async fn provoke(platform: &mut Platform, bug: Bug) {
    match bug {
        Bug::AckBeforeWrite => die_with_an_event_in_hand(platform).await,
        Bug::ClearBeforeConfirm => die_before_publishing(platform).await,
        Bug::NotMandatory => publish_without_queues(platform).await,
        Bug::NoVersionGuard => tell_an_older_version(platform).await,
        Bug::NoTombstone => tell_of_a_deleted_post(platform).await,
        Bug::NoConfirm => publish_to_nobody(platform).await,
        Bug::LostCancel => end_the_subscription(platform).await,
        Bug::StaleRead => change_while_announcing(platform).await,
    }
}

fn what_comes_of(bug: Bug) -> Kind {
    match bug {
        Bug::AckBeforeWrite | Bug::ClearBeforeConfirm | Bug::NotMandatory | Bug::NoConfirm => {
            Kind::Missing
        }
        Bug::NoVersionGuard | Bug::StaleRead => Kind::Stale,
        Bug::NoTombstone => Kind::Ghost,
        Bug::LostCancel => Kind::Unsettled,
    }
}

async fn die_with_an_event_in_hand(platform: &mut Platform) {
    platform.search.die_at(Point::Delivered).await;
    platform.surely_create(true).await;
    platform.search.dies().await;
}

async fn die_before_publishing(platform: &mut Platform) {
    platform.post.die_at(Point::Taken).await;
    platform.create(true).await;
    platform.post.dies().await;
}

async fn publish_without_queues(platform: &mut Platform) {
    tokio::join!(platform.search.stop(), platform.media.stop());
    for queue in QUEUES {
        platform.broker.remove(queue).await;
    }
    platform.surely_create(false).await;
    until("the post is announced", async || {
        platform.count_pending().await == 0
    })
    .await;
}

async fn tell_an_older_version(platform: &mut Platform) {
    let post = platform.surely_create(true).await;
    platform.edit(post, true).await;
    platform.settle(PATIENCE).await.expect("it is announced");
    platform.tell_again(post).await;
}

async fn tell_of_a_deleted_post(platform: &mut Platform) {
    let post = platform.surely_create(true).await;
    platform.delete(post).await;
    platform.settle(PATIENCE).await.expect("it is announced");
    platform.tell_again(post).await;
}

async fn publish_to_nobody(platform: &mut Platform) {
    platform.post.rabbitmq.deafen();
    platform.surely_create(true).await;
    until("it was tried", async || {
        platform.has_tried_to_publish().await
    })
    .await;
    platform.post.rabbitmq.cut();
}

async fn end_the_subscription(platform: &mut Platform) {
    platform.broker.remove("search.posts").await;
    // Whoever connects declares every queue.
    platform.post.rabbitmq.cut();
    platform.post.rabbitmq.reopen();
    platform.broker.has("search.posts").await;
    platform.surely_create(true).await;
}

/// A process stands still between the confirm of a change and its note of that. Meanwhile another makes the next change,
/// and dies before it can announce it.
async fn change_while_announcing(platform: &mut Platform) {
    platform.post.stand_still_at(Point::Confirmed).await;
    let post = platform.surely_create(true).await;
    let first = platform.history[post].draft.content.clone();
    until("it went out", async || platform.search_has(&first).await).await;
    platform.edit_beside(post, Point::Taken).await;
    platform.post.go_on(Point::Confirmed).await;
}

async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !look().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(POLL).await;
    }
}
