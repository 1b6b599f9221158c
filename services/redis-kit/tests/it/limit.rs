//! One limit for all processes.

use redis_kit::limit::{Limiter, Quota};
use test_kit::{object_id, redis_url};

use crate::redis;

const QUOTA: Quota = Quota {
    per_minute: 1,
    burst: 3,
};

#[tokio::test]
async fn two_processes_share_a_limit() {
    let key = object_id();
    let limiters = [(); 2].map(|()| Limiter::new(redis(&redis_url())));
    let mut allowed = 0;
    for limiter in limiters.iter().cycle().take(10) {
        if limiter.check("test", &key, QUOTA).await.is_allowed {
            allowed += 1;
        }
    }

    assert_eq!(allowed, 3);
}

#[tokio::test]
async fn one_key_does_not_use_up_anothers_limit() {
    let limiter = Limiter::new(redis(&redis_url()));
    let (one, other) = (object_id(), object_id());
    for _ in 0..4 {
        limiter.check("test", &one, QUOTA).await;
    }

    let refused = limiter.check("test", &one, QUOTA).await;
    assert!(!refused.is_allowed);
    assert!(refused.retry_after.as_secs() <= 60 && refused.retry_after.as_secs() >= 50);
    assert_eq!(limiter.check("test", &other, QUOTA).await.remaining, 2);
}
