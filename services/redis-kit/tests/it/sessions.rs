//! A session that ended is known everywhere soon.

use std::time::{Duration, Instant};

use redis_kit::Redis;
use redis_kit::redis::cmd;
use redis_kit::sessions::{self, KEPT_SECONDS};
use service_kit::Ended;
use test_kit::{Proxy, forget_all, object_id, own_redis_url, redis_url};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::redis;

/// The promise of `sessions`: at most two seconds behind.
const SOON: Duration = Duration::from_secs(2);
/// What has ended is refused everywhere after so long, whatever happened to Redis meanwhile.
const AT_LAST: Duration = Duration::from_secs(5);

/// A copy that is kept up to date.
struct Follower {
    ended: Ended,
    _stop: DropGuard,
}

impl Follower {
    fn of(redis: &Redis) -> Self {
        let (ended, stop) = (Ended::default(), CancellationToken::new());
        tokio::spawn(sessions::follow(redis.clone(), ended.clone(), stop.clone()));

        Self {
            ended,
            _stop: stop.drop_guard(),
        }
    }

    async fn knows(&self, session: &str, limit: Duration) {
        let started = Instant::now();
        while !self.ended.contains(session) {
            assert!(started.elapsed() < limit, "not known after {limit:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A session whose end was told to `redis`.
async fn ended(redis: &Redis) -> String {
    let session = object_id();
    let told = sessions::end(redis, std::slice::from_ref(&session)).await;
    told.expect("Redis answers");

    session
}

/// Makes it so long ago that the end of a session was told; less than nothing is by another clock.
async fn move_back(redis: &Redis, session: &str, seconds: i64) {
    let mut told = cmd("ZINCRBY");
    told.arg("sessions:ended").arg(-1000 * seconds).arg(session);
    redis.query::<()>(&told).await.expect("Redis answers");
}

#[tokio::test]
async fn who_follows_knows_of_the_end_within_two_seconds() {
    let redis = redis(&redis_url()).patient();
    let followers = [(); 2].map(|()| Follower::of(&redis));
    let (session, other) = (ended(&redis).await, object_id());
    for follower in &followers {
        follower.knows(&session, SOON).await;
    }

    assert!(!followers[0].ended.contains(&other));
}

#[tokio::test]
async fn who_starts_later_learns_of_it_too() {
    let redis = redis(&redis_url()).patient();
    let session = ended(&redis).await;

    Follower::of(&redis).knows(&session, SOON).await;
}

#[tokio::test]
async fn many_that_ended_at_once_are_all_known() {
    let redis = test_kit::redis(&own_redis_url().await);
    let mut all = Vec::new();
    // More of the same moment than are read at once, and not a whole number of pages.
    for count in [1, 2_500, 700] {
        let some: Vec<_> = (0..count).map(|_| object_id()).collect();
        sessions::end(&redis, &some).await.expect("Redis answers");
        all.extend(some);
    }
    let follower = Follower::of(&redis);
    // What is of the same moment is read in no particular order.
    for session in &all {
        follower.knows(session, AT_LAST).await;
    }
}

#[tokio::test]
async fn an_end_is_kept_for_as_long_as_any_token_lives() {
    let redis = test_kit::redis(&own_redis_url().await);
    let (recent, old) = (ended(&redis).await, ended(&redis).await);
    move_back(&redis, &recent, i64::from(KEPT_SECONDS) - 60).await;
    move_back(&redis, &old, i64::from(KEPT_SECONDS) + 60).await;
    let last = ended(&redis).await;
    let follower = Follower::of(&redis);
    follower.knows(&last, SOON).await;

    assert!(follower.ended.contains(&recent));
    assert!(!follower.ended.contains(&old));
}

#[tokio::test]
async fn a_redis_that_is_slower_than_requests_wait_is_followed() {
    let way = Proxy::open(&redis_url()).await;
    let slow = redis(&way.url);
    way.delay(Duration::from_millis(200));
    slow.clone().check().await.expect_err("too slow");
    let follower = Follower::of(&slow);
    let session = ended(&redis(&redis_url()).patient()).await;

    follower.knows(&session, AT_LAST).await;
}

#[tokio::test]
async fn what_is_told_to_a_redis_that_forgot_is_known() {
    let url = own_redis_url().await;
    let redis = test_kit::redis(&url);
    let follower = Follower::of(&redis);
    follower.knows(&ended(&redis).await, SOON).await;
    forget_all(&url).await;

    follower.knows(&ended(&redis).await, SOON).await;
}

#[tokio::test]
async fn a_redis_that_comes_back_may_have_another_clock() {
    let url = own_redis_url().await;
    let way = Proxy::open(&url).await;
    let direct = test_kit::redis(&url);
    let follower = Follower::of(&redis(&way.url));
    let ahead = ended(&direct).await;
    move_back(&direct, &ahead, -3600).await;
    follower.knows(&ahead, SOON).await;

    way.cut();
    forget_all(&url).await;
    let session = ended(&direct).await;
    way.reopen();
    follower.knows(&session, AT_LAST).await;
}
