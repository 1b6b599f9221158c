//! Sessions that ended, told to every process that accepts access tokens.
//!
//! An access token outlives the session it was made in. So identity writes the session here, and everybody keeps a copy
//! in memory that is at most [`PERIOD`] behind, instead of asking at every request. While Redis is away, what ended
//! meanwhile is not known: the tokens stay good until they expire.

use std::time::Duration;

use redis::{Script, cmd};
use service_kit::settings::SettingError;
use service_kit::{Authenticator, Ended, TokenConfig};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{Error, Redis};

/// How often the copies are brought up to date.
const PERIOD: Duration = Duration::from_secs(1);
/// What is read again each time, in milliseconds: writes of the same moment may become visible one after the other.
const OVERLAP: i64 = 5_000;
/// A sorted set: `<session id>:<Unix seconds until which it matters>`, scored by when it was written.
///
/// It has no expiry of its own, because a Redis short of memory evicts what has one; each write removes what is over.
const KEY: &str = "sessions:ended";

/// By Redis' own clock, so that writers need not agree on the time. Milliseconds.
const END: &str = r"
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local ttl = tonumber(ARGV[1])
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], now, ARGV[i] .. ':' .. (math.ceil(now / 1000) + ttl))
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ttl * 1000)
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

/// Announces that `sessions` ended. Tokens made in them are good for `ttl_seconds` at most.
pub async fn end(redis: &Redis, sessions: &[String], ttl_seconds: u32) -> Result<(), Error> {
    let ttl = ttl_seconds.to_string();
    let arguments: Vec<&str> = std::iter::once(ttl.as_str())
        .chain(sessions.iter().map(String::as_str))
        .collect();

    redis.script(&Script::new(END), &[KEY], &arguments).await
}

/// Keeps `ended` up to date until `shutdown`.
pub async fn follow(redis: Redis, ended: Ended, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut since = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        // Redis being away was said by the connection.
        if let Ok(latest) = copy(&redis, &ended, since).await {
            since = latest;
        }
        ended.forget();
    }
}

/// Copies what was written since, and says from where to read next.
async fn copy(redis: &Redis, ended: &Ended, since: i64) -> Result<i64, Error> {
    let mut command = cmd("ZRANGE");
    command.arg(KEY).arg(since).arg("+inf");
    command.arg("BYSCORE").arg("WITHSCORES");
    let members: Vec<(String, f64)> = redis.query(&command).await?;
    let mut latest = since;
    for (member, written) in members {
        if let Some((session, until)) = member.rsplit_once(':')
            && let Ok(until) = until.parse()
        {
            ended.end(session, until);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "milliseconds since 1970 are whole and far below 2^53"
        )]
        let written = written as i64;
        latest = latest.max(written - OVERLAP);
    }

    Ok(latest)
}
