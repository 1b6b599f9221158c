//! One limit for all processes.

use std::time::{Duration, Instant};

use futures::future::join_all;
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
        if limiter.check("test", key.clone(), QUOTA).await.is_allowed {
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
        limiter.check("test", one.clone(), QUOTA).await;
    }

    let refused = limiter.check("test", one.clone(), QUOTA).await;
    assert!(!refused.is_allowed);
    assert!(refused.retry_after.as_secs() <= 60 && refused.retry_after.as_secs() >= 50);
    assert_eq!(
        limiter.check("test", other.clone(), QUOTA).await.remaining,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_take_ahead_allow_no_more_together() {
    let quota = Quota {
        per_minute: 60_000,
        burst: 1_000,
    };
    let key = object_id();
    // However slow the machine is, Redis is waited for: without it each would count alone.
    let limiters = [(); 4].map(|()| Limiter::new(redis(&redis_url()).patient()));
    let started = Instant::now();
    let until = started + Duration::from_secs(2);
    // More than one at a time in each process, as requests are.
    let clients = limiters.iter().flat_map(|limiter| [limiter; 4]);
    let allowed = join_all(clients.map(async |limiter| {
        let mut allowed = 0_u128;
        while Instant::now() < until {
            let decision = limiter.check_ahead("test", key.clone(), quota).await;
            allowed += u128::from(decision.is_allowed);
        }
        allowed
    }));
    let allowed: u128 = allowed.await.into_iter().sum();
    let most = u128::from(quota.burst) + started.elapsed().as_millis();

    assert!(allowed <= most, "{allowed} of at most {most}");
    // What each has taken and not used is not there for the others: a sixteenth at most.
    let least = u128::from(quota.burst) * 12 / 16;
    assert!(allowed >= least, "{allowed} of at least {least}");
}

#[tokio::test]
async fn a_limit_is_used_up_by_one_that_takes_ahead() {
    let quota = Quota {
        per_minute: 1,
        burst: 100,
    };
    let (key, limiter) = (object_id(), Limiter::new(redis(&redis_url()).patient()));
    let mut remaining = Vec::new();
    loop {
        let decision = limiter.check_ahead("test", key.clone(), quota).await;
        if !decision.is_allowed {
            break;
        }
        remaining.push(decision.remaining);
    }

    assert_eq!(remaining, (0..100).rev().collect::<Vec<_>>());
}
