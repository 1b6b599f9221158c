//! Sessions that ended, told to every process that accepts access tokens.
//!
//! An access token outlives the session it was made in. So identity writes the session here, and everybody keeps a copy
//! in memory that is at most [`PERIOD`] behind, instead of asking at every request. While Redis is away, what ended
//! meanwhile is not known: the tokens stay good until they expire.

use std::time::{Duration, Instant};

use redis::{Script, cmd};
use service_kit::settings::SettingError;
use service_kit::{Authenticator, Ended, TokenConfig};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{Error, Redis};

/// For so long after it was told the end of a session matters: no token that was made before lives longer, whatever the
/// settings were then. A token may be made after the end was decided, by a request that had begun before; and clocks
/// differ.
pub const KEPT_SECONDS: u32 = token::MAX_LIFETIME_SECONDS + 60;

/// How often the copies are brought up to date.
const PERIOD: Duration = Duration::from_secs(1);
/// How often those are forgotten whose tokens have all expired.
const FORGET_PERIOD: Duration = Duration::from_secs(60);
/// What is read again each time, in milliseconds: writes of the same moment may become visible one after the other.
const OVERLAP: i64 = 5_000;
/// As many as are read at once.
const PAGE: usize = 1_000;
/// A sorted set: ids of sessions, scored by when they were told, in milliseconds since 1970.
///
/// It has no expiry of its own, because a Redis short of memory evicts what has one; each write removes what is over.
const KEY: &str = "sessions:ended";

/// By Redis' own clock, so that writers need not agree on the time. `ARGV`: how long to keep, in milliseconds, and ids.
const END: &str = r"
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], now, ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[1]))
";

/// What checks access tokens by these settings, kept up to date with the key file and with the sessions that ended
/// until `shutdown`.
pub fn authenticator(
    config: &TokenConfig,
    redis: &Redis,
    shutdown: &CancellationToken,
) -> Result<Authenticator, SettingError> {
    let ended = Ended::default();
    let authenticator = Authenticator::new(config, ended.clone())?;
    tokio::spawn(authenticator.clone().follow_keys(shutdown.clone()));
    tokio::spawn(follow(redis.clone(), ended, shutdown.clone()));

    Ok(authenticator)
}

/// Announces that `sessions` ended. To tell it again is to keep it longer.
pub async fn end(redis: &Redis, sessions: &[String]) -> Result<(), Error> {
    let kept = (u64::from(KEPT_SECONDS) * 1000).to_string();
    let arguments: Vec<&str> = std::iter::once(kept.as_str())
        .chain(sessions.iter().map(String::as_str))
        .collect();

    redis.script(&Script::new(END), &[KEY], &arguments).await
}

/// Keeps `ended` up to date until `shutdown`.
pub async fn follow(redis: Redis, ended: Ended, shutdown: CancellationToken) {
    let redis = redis.patient();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut since, mut losses) = (0, redis.losses());
    let mut forgotten = Instant::now();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        // Another Redis, or one that restarted, may have another clock, and what was told before again.
        if losses != redis.losses() {
            (since, losses) = (0, redis.losses());
        }
        // Redis being away was said by the connection.
        if let Ok(latest) = copy(&redis, &ended, since).await {
            since = since.max(latest - OVERLAP);
        }
        // Every request looks at what is kept, and waits meanwhile.
        if forgotten.elapsed() >= FORGET_PERIOD {
            ended.forget();
            forgotten = Instant::now();
        }
    }
}

/// Copies what was told at `since` or later, and says when the latest was.
async fn copy(redis: &Redis, ended: &Ended, since: i64) -> Result<i64, Error> {
    let (mut from, mut skipped) = (since, 0);
    loop {
        let mut command = cmd("ZRANGE");
        command.arg(KEY).arg(from).arg("+inf").arg("BYSCORE");
        command
            .arg("LIMIT")
            .arg(skipped)
            .arg(PAGE)
            .arg("WITHSCORES");
        let told: Vec<(String, f64)> = redis.query(&command).await?;
        for (session, at) in &told {
            ended.end(session, milliseconds(*at) / 1000 + i64::from(KEPT_SECONDS));
        }
        let Some(last) = told.last().map(|(_, at)| milliseconds(*at)) else {
            return Ok(from);
        };
        // The next page begins again with those of the last moment; only where one moment fills pages are they counted.
        skipped = if last == from {
            skipped + told.len()
        } else {
            0
        };
        from = last;
        if told.len() < PAGE {
            return Ok(from);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds since 1970 are whole and far below 2^53"
)]
fn milliseconds(score: f64) -> i64 {
    score as i64
}
