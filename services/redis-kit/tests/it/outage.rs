//! Without Redis nothing waits and limits still hold.

use std::time::{Duration, Instant};

use redis_kit::limit::{Limiter, Quota};
use redis_kit::redis::cmd;
use test_kit::{Proxy, object_id, redis_url};

use crate::redis;

#[tokio::test]
async fn a_process_limits_by_itself_while_redis_is_away() {
    let way = Proxy::closed(&redis_url()).await;
    let limiter = Limiter::new(redis(&way.url));
    let quota = Quota {
        per_minute: 1,
        burst: 3,
    };
    let key = object_id();
    let started = Instant::now();
    let mut allowed = 0;
    for _ in 0..100 {
        if limiter.check("test", key.clone(), quota).await.is_allowed {
            allowed += 1;
        }
    }

    assert_eq!(allowed, 3);
    // One question finds out; the others do not ask. Two, should the pause end in between.
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn redis_is_used_again_once_it_is_back() {
    let way = Proxy::open(&redis_url()).await;
    let redis = redis(&way.url);
    redis.clone().check().await.expect("Redis answers");

    way.cut();
    redis.clone().check().await.expect_err("Redis is away");
    assert_eq!(redis.connected().get(), 0);

    way.reopen();
    let deadline = Instant::now() + Duration::from_secs(10);
    while redis.query::<()>(&cmd("PING")).await.is_err() {
        assert!(Instant::now() < deadline, "Redis was not found again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(redis.connected().get(), 1);
}

#[tokio::test]
async fn who_can_wait_finds_redis_again_for_all() {
    let way = Proxy::closed(&redis_url()).await;
    let redis = redis(&way.url);
    redis.clone().check().await.expect_err("Redis is away");
    way.reopen();

    // The first one asks for a connection only, and nobody sleeps meanwhile: the pause of the others goes on.
    while redis.patient().query::<()>(&cmd("PING")).await.is_err() {}
    redis.clone().check().await.expect("Redis is back");
    assert_eq!(redis.connected().get(), 1);
}

#[tokio::test]
async fn a_connection_whose_other_end_has_vanished_is_replaced() {
    let way = Proxy::open(&redis_url()).await;
    let redis = redis(&way.url).patient();
    redis.clone().check().await.expect("Redis answers");
    let losses = redis.losses();
    // What is on its way now never arrives, and nothing tells the connection so.
    way.delay(Duration::from_secs(3600));
    redis.clone().check().await.expect_err("silence");
    way.delay(Duration::ZERO);

    redis.clone().check().await.expect("a new connection");
    assert!(redis.losses() > losses);
}

#[tokio::test]
async fn a_question_that_redis_refuses_says_nothing_about_others() {
    let redis = redis(&redis_url());
    redis.clone().check().await.expect("Redis answers");
    let (failures, losses) = (redis.failures(), redis.losses());
    let refused = redis.query::<()>(&cmd("NO SUCH COMMAND")).await;
    refused.expect_err("refused");

    redis.clone().check().await.expect("Redis answers");
    assert_eq!((redis.failures(), redis.losses()), (failures + 1, losses));
}
