//! How often somebody may do something: the generic cell rate algorithm, in one round trip to Redis.
//!
//! A limit is one number per key: the theoretical arrival time (TAT), the moment at which everything that was allowed
//! so far would have arrived had it come evenly. Without Redis each process limits by itself.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::unsync::Cache;
use redis::Script;

use crate::Redis;

/// More keys than this are not limited by a process on its own; those asked for least recently are forgotten.
const LOCAL_KEYS: usize = 65_536;

/// All times in microseconds, by Redis' clock. Answers whether it is allowed and how far the TAT is ahead.
const TAKE: &str = r"
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval = tonumber(ARGV[1])
local tolerance = tonumber(ARGV[2])
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local ahead = tat - now + interval
if ahead > tolerance then
  return {0, tat - now}
end
redis.call('SET', KEYS[1], string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000))
return {1, ahead}
";

/// How often: `burst` at once, and `per_minute` in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// At least 1.
    pub per_minute: u32,
    /// At least 1.
    pub burst: u32,
}

/// What was decided, in the terms of the `RateLimit` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub is_allowed: bool,
    /// How many are possible at once: the burst.
    pub limit: u32,
    /// How many more are possible at this moment.
    pub remaining: u32,
    /// When `remaining` is `limit` again.
    pub reset_after: Duration,
    /// When the next one is possible; zero when it is now.
    pub retry_after: Duration,
}

/// Decides. Clones share what they count.
#[derive(Clone)]
pub struct Limiter {
    redis: Redis,
    script: Arc<Script>,
    local: Arc<Local>,
}

/// What one process knows.
struct Local {
    started: Instant,
    /// The TAT of each key, in microseconds after `started`.
    arrivals: Mutex<Cache<String, u64>>,
}

impl Quota {
    /// Microseconds between two that come evenly.
    fn interval(self) -> u64 {
        60_000_000 / u64::from(self.per_minute.max(1))
    }

    /// How far the TAT may be ahead, in microseconds.
    fn tolerance(self) -> u64 {
        self.interval() * u64::from(self.burst.max(1))
    }

    /// `ahead` is how far the TAT is ahead after the decision, in microseconds.
    fn decision(self, is_allowed: bool, ahead: u64) -> Decision {
        let free = self.tolerance().saturating_sub(ahead);
        let remaining = u32::try_from(free / self.interval()).unwrap_or(u32::MAX);
        let wait = (ahead + self.interval()).saturating_sub(self.tolerance());

        Decision {
            is_allowed,
            limit: self.burst,
            remaining,
            reset_after: Duration::from_micros(ahead),
            retry_after: Duration::from_micros(wait),
        }
    }
}

impl Limiter {
    pub fn new(redis: Redis) -> Self {
        Self {
            redis,
            script: Arc::new(Script::new(TAKE)),
            local: Arc::new(Local {
                started: Instant::now(),
                arrivals: Mutex::new(Cache::new(LOCAL_KEYS)),
            }),
        }
    }

    /// Counts one use of `key` within `scope`, if it is allowed.
    ///
    /// This process counts first. That is enough to refuse, so whoever asks far too often costs Redis nothing; and it
    /// goes on from there while Redis is away.
    pub async fn check(&self, scope: &str, key: impl Display, quota: Quota) -> Decision {
        let key = format!("limit:{scope}:{key}");
        let asked = self.local.now();
        let (is_allowed, ahead) = self.local.take(&key, asked, quota);
        if !is_allowed {
            return quota.decision(false, ahead);
        }
        let interval = quota.interval().to_string();
        let tolerance = quota.tolerance().to_string();
        let answer = self
            .redis
            .script::<(u8, u64)>(&self.script, &[&key], &[&interval, &tolerance])
            .await;
        let (is_allowed, ahead) = match answer {
            Ok((1, ahead)) => {
                self.local.learn(&key, 0, asked + ahead);
                (true, ahead)
            }
            Ok((_, ahead)) => {
                self.local.learn(&key, quota.interval(), asked + ahead);
                (false, ahead)
            }
            Err(_) => (true, ahead),
        };

        quota.decision(is_allowed, ahead)
    }
}

impl Local {
    /// Microseconds after `started`.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Whether one more is allowed, which is counted then, and how far the TAT is ahead.
    fn take(&self, key: &str, now: u64, quota: Quota) -> (bool, u64) {
        let mut arrivals = self.arrivals();
        let arrival = arrivals.get(key).copied();
        let (is_allowed, ahead) = take(arrival, now, quota);
        if is_allowed {
            arrivals.insert(key.to_owned(), now + ahead);
        }

        (is_allowed, ahead)
    }

    /// Gives back what was taken for nothing, and keeps what Redis counts for all processes. Answers may come in another
    /// order than they were given.
    fn learn(&self, key: &str, given_back: u64, arrival: u64) {
        let mut arrivals = self.arrivals();
        let known = arrivals.get(key).copied().unwrap_or_default();
        let known = known.saturating_sub(given_back).max(arrival);
        arrivals.insert(key.to_owned(), known);
    }

    fn arrivals(&self) -> MutexGuard<'_, Cache<String, u64>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`TAKE`] does, for a key whose TAT is `arrival`.
fn take(arrival: Option<u64>, now: u64, quota: Quota) -> (bool, u64) {
    let behind = arrival.unwrap_or(now).saturating_sub(now);
    let ahead = behind + quota.interval();
    if ahead > quota.tolerance() {
        (false, behind)
    } else {
        (true, ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One a second, three at once.
    const QUOTA: Quota = Quota {
        per_minute: 60,
        burst: 3,
    };
    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_burst_is_allowed_and_then_one_at_a_time() {
        let mut arrival = None;
        let mut allowed = Vec::new();
        for now in [
            0,
            0,
            0,
            0,
            SECOND - 1,
            SECOND,
            SECOND,
            4 * SECOND,
            4 * SECOND,
        ] {
            let (is_allowed, ahead) = take(arrival, now, QUOTA);
            if is_allowed {
                arrival = Some(now + ahead);
            }
            allowed.push(is_allowed);
        }

        assert_eq!(
            allowed,
            [true, true, true, false, false, true, false, true, true]
        );
    }

    #[test]
    fn a_decision_tells_what_is_left_and_when_there_is_more() {
        assert_eq!(
            QUOTA.decision(true, SECOND),
            Decision {
                is_allowed: true,
                limit: 3,
                remaining: 2,
                reset_after: Duration::from_secs(1),
                retry_after: Duration::ZERO,
            }
        );
        assert_eq!(
            QUOTA.decision(false, 5 * SECOND / 2),
            Decision {
                is_allowed: false,
                limit: 3,
                remaining: 0,
                reset_after: Duration::from_millis(2500),
                retry_after: Duration::from_millis(500),
            }
        );
    }
}
