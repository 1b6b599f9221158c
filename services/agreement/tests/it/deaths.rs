//! Every place to die.

use std::time::Duration;

use faults::Point;
use futures::{StreamExt as _, stream};

use crate::platform::{Platform, Who};

/// Who passes which place.
pub const DEATHS: [(Who, Point); 8] = [
    (Who::Post, Point::Written),
    (Who::Post, Point::Taken),
    (Who::Post, Point::Published),
    (Who::Post, Point::Confirmed),
    (Who::Media, Point::Delivered),
    (Who::Media, Point::Handled),
    (Who::Search, Point::Delivered),
    (Who::Search, Point::Handled),
];
const PATIENCE: Duration = Duration::from_secs(60);
/// Platforms beside each other: they mostly wait.
const AT_ONCE: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_wherever_the_copies_agree() {
    for point in Point::ALL {
        let is_tried = DEATHS.iter().any(|(_, tried)| *tried == point);
        assert!(is_tried, "nobody dies when {point:?}");
    }
    let trials = DEATHS.map(|(who, point)| die_of_everything(who, point));
    let trials = stream::iter(trials).buffer_unordered(AT_ONCE);

    trials.collect::<()>().await;
}

/// Has a process die of an edit, one of a new post and one of a deletion.
async fn die_of_everything(who: Who, point: Point) {
    let mut platform = Platform::start(None).await;
    let post = platform.surely_create(true).await;
    platform.settle(PATIENCE).await.expect("nothing is wrong");

    platform.service(who).die_at(point).await;
    platform.edit(post, true).await;
    platform.service(who).dies().await;

    platform.service(who).die_at(point).await;
    platform.create(true).await;
    platform.service(who).dies().await;

    platform.service(who).die_at(point).await;
    platform.delete(post).await;
    platform.service(who).dies().await;

    let findings = platform.audit(PATIENCE).await;
    platform.end().await;
    println!("{who:?} dies when {point:?}: {} findings", findings.len());
    assert!(findings.is_empty(), "{who:?}, {point:?}: {findings:#?}");
}
