//! Making whoever guesses a password wait longer after every failure.
//!
//! What counts is the account together with the client: a stranger who guesses makes only himself wait, never the
//! account's owner. Accounts that do not exist count like others, so waiting tells nothing about who has one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::unsync::Cache;
use redis_kit::redis::{Cmd, Script};
use redis_kit::{Error, Redis};

use crate::client::Client;

/// Failures before anybody has to wait: people mistype.
const FREE: u32 = 5;
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Beyond the free ones one try goes on at a time, and has so long; otherwise as many could be made as fit into the
/// moment in which one is allowed.
const HELD: Duration = Duration::from_secs(2);
/// Without another failure, the count begins anew after so long.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);
/// What a process remembers while Redis is away; those that failed least recently are forgotten.
const LOCAL_KEYS: usize = 16_384;

/// Milliseconds to wait, and whether there is a count, by Redis' clock. `ARGV`: how many are free, and for how long one
/// try beyond them keeps others out, in milliseconds.
const STANDING: &str = r"
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local open = tonumber(redis.call('HGET', KEYS[1], 'open') or 0)
if open == 0 then
  return {0, 0}
end
if open > now then
  return {open - now, 1}
end
if tonumber(redis.call('HGET', KEYS[1], 'failures')) >= tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'open', string.format('%.0f', now + tonumber(ARGV[2])))
end
return {0, 1}
";

/// Counts a failure. `ARGV`: how many are free, the longest delay and how long to remember, both in milliseconds.
const FAILED: &str = r"
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
local delay = 0
if failures >= tonumber(ARGV[1]) then
  delay = math.min(tonumber(ARGV[2]), 1000 * 2 ^ (failures - tonumber(ARGV[1])))
end
redis.call('HSET', KEYS[1], 'open', string.format('%.0f', now + delay))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
";

/// Knows who has to wait. Clones share what they count.
#[derive(Clone)]
pub struct Backoff {
    redis: Redis,
    standing: Arc<Script>,
    failed: Arc<Script>,
    local: Arc<Mutex<Cache<String, Failures>>>,
}

/// An account and a client that tries to get into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt(String);

/// The client has to wait this long before it may try this account again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there were too many wrong passwords, try again in {} s", .0.as_secs().max(1))]
pub struct TooSoon(pub Duration);

/// What a process counts by itself.
#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
    /// When the next try is allowed.
    open: Instant,
}

impl Attempt {
    /// `account` is any text that names one. Only a hash of it leaves the process.
    pub fn new(account: &str, client: &Client) -> Self {
        let account = digest(&SHA256, account.as_bytes());
        let account = hex::encode(&account.as_ref()[..16]);

        Self(format!("login:{account}:{}", client.network))
    }
}

impl Backoff {
    pub fn new(redis: Redis) -> Self {
        Self {
            redis,
            standing: Arc::new(Script::new(STANDING)),
            failed: Arc::new(Script::new(FAILED)),
            local: Arc::new(Mutex::new(Cache::new(LOCAL_KEYS))),
        }
    }

    /// Whether a try is allowed now; true when one has failed before.
    pub async fn check(&self, attempt: &Attempt) -> Result<bool, TooSoon> {
        let arguments = [FREE.to_string(), HELD.as_millis().to_string()];
        let arguments = arguments.each_ref().map(String::as_str);
        let asked: Result<(u64, u8), Error> = self
            .redis
            .script(&self.standing, &[&attempt.0], &arguments)
            .await;
        let (wait, has_failed) = match asked {
            Ok((wait, has_failed)) => (Duration::from_millis(wait), has_failed == 1),
            Err(_) => self.standing_here(attempt, Instant::now()),
        };
        if wait.is_zero() {
            Ok(has_failed)
        } else {
            Err(TooSoon(wait))
        }
    }

    pub async fn failed(&self, attempt: &Attempt) {
        let arguments = [
            FREE.to_string(),
            LONGEST.as_millis().to_string(),
            REMEMBERED.as_millis().to_string(),
        ];
        let arguments = arguments.each_ref().map(String::as_str);
        let asked = self
            .redis
            .script::<()>(&self.failed, &[&attempt.0], &arguments)
            .await;
        if asked.is_err() {
            self.failed_here(attempt, Instant::now());
        }
    }

    pub async fn succeeded(&self, attempt: &Attempt) {
        // What is not forgotten now is forgotten with time.
        let _ = self
            .redis
            .query::<()>(Cmd::new().arg("DEL").arg(&attempt.0))
            .await;
        self.local().remove(&attempt.0);
    }

    /// What [`STANDING`] does.
    fn standing_here(&self, attempt: &Attempt, now: Instant) -> (Duration, bool) {
        let mut local = self.local();
        let failures = local.get(&attempt.0).copied();
        let Some(failures) = failures.filter(|failures| failures.age(now) < REMEMBERED) else {
            return (Duration::ZERO, false);
        };
        let wait = failures.open.saturating_duration_since(now);
        if wait.is_zero() && failures.count >= FREE {
            let open = now + HELD;
            local.insert(attempt.0.clone(), Failures { open, ..failures });
        }

        (wait, true)
    }

    fn failed_here(&self, attempt: &Attempt, now: Instant) {
        let mut local = self.local();
        let before = local.get(&attempt.0);
        let before = before.filter(|failures| failures.age(now) < REMEMBERED);
        let count = before
            .map_or(0, |failures| failures.count)
            .saturating_add(1);
        let failures = Failures {
            count,
            last: now,
            open: now + delay(count),
        };
        local.insert(attempt.0.clone(), failures);
    }

    fn local(&self) -> std::sync::MutexGuard<'_, Cache<String, Failures>> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    fn age(self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last)
    }
}

/// How long to wait after so many failures: what [`FAILED`] says.
fn delay(failures: u32) -> Duration {
    failures.checked_sub(FREE).map_or(Duration::ZERO, |beyond| {
        let seconds = 1_u64.checked_shl(beyond).unwrap_or(u64::MAX);
        Duration::from_secs(seconds).min(LONGEST)
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use redis_kit::RedisConfig;

    use super::*;

    #[derive(Parser)]
    struct Settings {
        #[command(flatten)]
        redis: RedisConfig,
    }

    /// Nobody listens at this address.
    fn without_redis() -> Backoff {
        let settings = Settings::parse_from(["x", "--redis-url", "redis://127.0.0.1:1"]);

        Backoff::new(Redis::new(&settings.redis).expect("an address"))
    }

    fn attempt(account: &str, network: &str) -> Attempt {
        let client = Client {
            network: network.to_owned(),
            device: String::new(),
        };

        Attempt::new(account, &client)
    }

    #[test]
    fn the_delay_doubles_up_to_a_quarter_of_an_hour() {
        let seconds = [0, 4, 5, 6, 7, 14, 15, 100, u32::MAX].map(|n| delay(n).as_secs());

        assert_eq!(seconds, [0, 0, 1, 2, 4, 512, 900, 900, 900]);
    }

    #[test]
    fn a_key_names_nobody() {
        let Attempt(key) = attempt("ada@example.org", "192.0.2.7");

        assert!(!key.contains("ada"), "{key}");
        assert_ne!(attempt("eva@example.org", "192.0.2.7").0, key);
    }

    #[tokio::test]
    async fn without_redis_the_process_counts_by_itself() {
        let backoff = without_redis();
        let ada = attempt("ada", "192.0.2.7");
        let start = Instant::now();
        for _ in 0..FREE + 2 {
            backoff.failed_here(&ada, start);
        }

        let at = |seconds| backoff.standing_here(&ada, start + Duration::from_secs(seconds));
        assert_eq!(at(1), (Duration::from_secs(3), true));
        assert_eq!(at(4), (Duration::ZERO, true));
        assert_eq!(at(5), (Duration::from_secs(1), true), "one is being tried");
        assert_eq!(at(3600), (Duration::ZERO, false));
        assert!(backoff.check(&ada).await.is_err());
        backoff.succeeded(&ada).await;
        assert_eq!(backoff.check(&ada).await, Ok(false));
    }
}
