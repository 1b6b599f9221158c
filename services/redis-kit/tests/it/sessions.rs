//! A session that ended is known everywhere soon.

use std::time::{Duration, Instant};

use redis_kit::sessions;
use service_kit::Ended;
use test_kit::{object_id, redis_url};
use tokio_util::sync::CancellationToken;

use crate::redis;

/// The promise of `sessions`: at most two seconds behind.
const SOON: Duration = Duration::from_secs(2);

#[tokio::test]
async fn who_follows_knows_of_the_end_within_two_seconds() {
    let redis = redis(&redis_url());
    let stop = CancellationToken::new();
    let ended = [(); 2].map(|()| Ended::default());
    for copy in &ended {
        tokio::spawn(sessions::follow(redis.clone(), copy.clone(), stop.clone()));
    }
    let (one, other) = (object_id(), object_id());
    sessions::end(&redis, std::slice::from_ref(&one), 60)
        .await
        .expect("told");
    let told = Instant::now();

    while !ended.iter().all(|copy| copy.contains(&one)) {
        assert!(told.elapsed() < SOON, "not known after {SOON:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!ended[0].contains(&other));
    stop.cancel();
}

#[tokio::test]
async fn who_starts_later_learns_of_it_too() {
    let redis = redis(&redis_url());
    let session = object_id();
    sessions::end(&redis, std::slice::from_ref(&session), 60)
        .await
        .expect("told");

    let (ended, stop) = (Ended::default(), CancellationToken::new());
    tokio::spawn(sessions::follow(redis, ended.clone(), stop.clone()));
    let started = Instant::now();
    while !ended.contains(&session) {
        assert!(started.elapsed() < SOON, "not known after {SOON:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
}
