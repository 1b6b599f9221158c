//! How often somebody may do something: the generic cell rate algorithm, in one round trip to Redis.
//!
//! A limit is one number per key: the theoretical arrival time (TAT), the moment at which everything that was allowed
//! so far would have arrived had it come evenly. Without Redis each process limits by itself.

mod ahead;

use std::fmt::Display;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::unsync::Cache;
use redis::Script;

use self::ahead::Ahead;
use crate::Redis;

/// More keys than this are not limited by a process on its own; those asked for least recently are forgotten.
const LOCAL_KEYS: usize = 65_536;
/// A process takes ahead no more than this part of a burst, so that other processes miss little of it.
const PART_AHEAD: u32 = 16;

/// Allows as many as there is room for, up to what is wanted. All times in microseconds, by Redis' clock. Answers how
/// many are allowed and how far the TAT is ahead.
const TAKE: &str = r"
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval = tonumber(ARGV[1])
local tolerance = tonumber(ARGV[2])
local ahead = math.max(tonumber(redis.call('GET', KEYS[1]) or now) - now, 0)
local allowed = math.min(tonumber(ARGV[3]), math.floor((tolerance - ahead) / interval))
if allowed < 1 then
  return {0, ahead}
end
ahead = ahead + allowed * interval
redis.call('SET', KEYS[1], string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000))
return {allowed, ahead}
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
pub struct Limiter<K> {
    redis: Redis,
    script: Arc<Script>,
    local: Arc<Local<K>>,
}

/// What one process knows.
struct Local<K> {
    started: Instant,
    keys: Mutex<Cache<Key<K>, Known>>,
}

/// A scope, and a key within it. It is made into text when Redis is asked.
type Key<K> = (&'static str, K);

/// What one process knows of a key. All times are microseconds after its start.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// The TAT.
    arrival: u64,
    /// What of the time before it is this process's own to give away.
    ahead: Ahead,
}

/// What a process makes of a use by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Decided(Decision),
    /// Redis has the last word and is to be asked for so many. While it is away the use is allowed, and the TAT is so
    /// far ahead.
    Undecided {
        wanted: u32,
        ahead: u64,
    },
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

impl<K: Clone + Display + Eq + Hash> Limiter<K> {
    pub fn new(redis: Redis) -> Self {
        Self {
            redis,
            script: Arc::new(Script::new(TAKE)),
            local: Arc::new(Local {
                started: Instant::now(),
                keys: Mutex::new(Cache::new(LOCAL_KEYS)),
            }),
        }
    }

    /// Counts one use of `key` within `scope`, if it is allowed. Redis is asked each time.
    ///
    /// This process counts first. That is enough to refuse, so whoever asks far too often costs Redis nothing; and it
    /// goes on from there while Redis is away.
    pub async fn check(&self, scope: &'static str, key: K, quota: Quota) -> Decision {
        self.count((scope, key), quota, 1).await
    }

    /// The same for a `key` that is used often: Redis is then asked for several uses at once. No more are allowed by
    /// that, by all processes together; those that one of them has taken and not used yet are not there for others.
    pub async fn check_ahead(&self, scope: &'static str, key: K, quota: Quota) -> Decision {
        let most = (quota.burst / PART_AHEAD).max(1);

        self.count((scope, key), quota, most).await
    }

    async fn count(&self, key: Key<K>, quota: Quota, most: u32) -> Decision {
        let asked = self.local.now();
        let verdict = self
            .local
            .with(&key, |known| known.count(asked, quota, most));
        let (wanted, ahead) = match verdict {
            Verdict::Decided(decision) => return decision,
            Verdict::Undecided { wanted, ahead } => (wanted, ahead),
        };
        let numbers = [quota.interval(), quota.tolerance(), wanted.into()];
        let [interval, tolerance, wanted] = numbers.map(|number| number.to_string());
        let redis_key = format!("limit:{}:{}", key.0, key.1);
        let answer = self
            .redis
            .script(
                &self.script,
                &[&redis_key],
                &[&interval, &tolerance, &wanted],
            )
            .await;

        match answer {
            Ok((allowed, ahead)) => self
                .local
                .with(&key, |known| known.learn(asked, allowed, ahead, quota)),
            Err(_) => quota.decision(true, ahead),
        }
    }
}

impl<K: Clone + Eq + Hash> Local<K> {
    /// Microseconds after `started`.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn with<T>(&self, key: &Key<K>, work: impl FnOnce(&mut Known) -> T) -> T {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut known) = keys.get_mut(key) {
            return work(&mut known);
        }
        let mut known = Known::default();
        let result = work(&mut known);
        keys.insert(key.clone(), known);

        result
    }
}

impl Known {
    /// Counts one use at `now` if it may be allowed. `most` is as many as may be asked for at once.
    fn count(&mut self, now: u64, quota: Quota, most: u32) -> Verdict {
        if self.ahead.take(now, quota.interval()) {
            let ahead = self.arrival.saturating_sub(now);
            return Verdict::Decided(self.allowed(now, ahead, quota));
        }
        let behind = self.arrival.saturating_sub(now);
        let ahead = behind + quota.interval();
        if ahead > quota.tolerance() {
            return Verdict::Decided(quota.decision(false, behind));
        }
        self.arrival = now + ahead;

        Verdict::Undecided {
            wanted: self.ahead.ask(now, most),
            ahead,
        }
    }

    /// Keeps what Redis counts for all processes: it was asked at `asked`, allowed so many, and its TAT is `ahead`.
    /// Answers may come in another order than they were given.
    fn learn(&mut self, asked: u64, allowed: u32, ahead: u64, quota: Quota) -> Decision {
        let arrival = asked + ahead;
        if allowed == 0 {
            // What was counted here is given back.
            let known = self.arrival.saturating_sub(quota.interval());
            self.arrival = known.max(arrival);
            return quota.decision(false, ahead);
        }
        self.arrival = self.arrival.max(arrival);
        if allowed > 1 {
            self.ahead.keep(allowed, arrival, quota.interval());
        }

        self.allowed(asked, ahead, quota)
    }

    /// A use is allowed. What this process has taken ahead is still there for the next one, so it counts as not used.
    fn allowed(&self, now: u64, ahead: u64, quota: Quota) -> Decision {
        let left = self.ahead.left(now, quota.interval()) * quota.interval();

        quota.decision(true, ahead.saturating_sub(left))
    }
}

#[cfg(test)]
mod tests;
