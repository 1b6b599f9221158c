//! Telling every process that sessions have ended, so that their access tokens stop to be accepted.
//!
//! An end is written to MongoDB first, marked as unannounced; here it is passed on to Redis, where everybody follows it,
//! and the mark is removed. What Redis missed while it was away therefore waits, and so does what a process that died
//! had not passed on.
//!
//! Redis may also forget. One that has lost its memory has lost a mark of its own with it, and is told everything again
//! that still matters; so is any by a process that has just started, because another may have died while it told. One
//! that was lost and found again may lack its last moments, and is told those again.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redis_kit::redis::cmd;
use redis_kit::sessions::KEPT_SECONDS;
use redis_kit::{Redis, sessions};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::id::Id;
use crate::store::{self, Store};

const PERIOD: Duration = Duration::from_secs(1);
/// There as long as Redis has not forgotten.
const MARK: &str = "sessions:told";
/// As many as are told at once.
const BATCH: usize = 500;
/// What Redis may not have kept of the time before it was lost: it writes to disk once a second, and one that takes
/// another's place may be some way behind.
const LAST_MOMENTS: SignedDuration = SignedDuration::from_secs(60);

/// Wakes the announcing, so that nobody has to wait for its period.
#[derive(Clone, Default)]
pub struct Announcer(Arc<Notify>);

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),

    #[error(transparent)]
    Redis(#[from] redis_kit::Error),
}

/// What announces.
pub struct Announcing {
    store: Store,
    redis: Redis,
    told: Option<Told>,
}

/// When Redis had been told everything, and [how often it had been lost](Redis::losses) then.
#[derive(Debug, Clone, Copy)]
struct Told {
    at: Timestamp,
    losses: u64,
}

impl Announcer {
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

impl Announcing {
    pub fn new(store: Store, redis: &Redis) -> Self {
        Self {
            store,
            redis: redis.patient(),
            told: None,
        }
    }

    /// Announces until `shutdown`, and then once more what is left.
    pub async fn run(mut self, announcer: Announcer, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = announcer.0.notified() => {}
                () = tokio::time::sleep(PERIOD) => {}
                () = shutdown.cancelled() => {}
            }
            match self.announce().await {
                Ok(()) => {}
                // The connection has said so, and it is tried again soon.
                Err(Error::Redis(error)) => tracing::debug!(%error, "ends of sessions wait"),
                Err(error) => tracing::debug!(%error, "failed to look for ended sessions"),
            }
        }
    }

    async fn announce(&mut self) -> Result<(), Error> {
        let now = Told {
            at: Timestamp::now(),
            losses: self.redis.losses(),
        };
        if self.redis.query::<u8>(cmd("EXISTS").arg(MARK)).await? == 0 {
            // The mark comes first: when Redis forgets while it is told, it forgets the mark too.
            self.told = None;
            self.redis.query::<()>(cmd("SET").arg(MARK).arg(1)).await?;
        }
        if let Some(since) = forgotten_since(self.told, now) {
            let mut ended = self.store.ended_since(since, BATCH).await?;
            while let Some(ids) = ended.next().await? {
                self.tell(&ids).await?;
            }
        }
        self.told = Some(now);
        loop {
            let ids = self.store.unannounced(BATCH).await?;
            if ids.is_empty() {
                return Ok(());
            }
            self.tell(&ids).await?;
            self.store.announced(&ids).await?;
        }
    }

    async fn tell(&self, ids: &[Id]) -> Result<(), redis_kit::Error> {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();

        sessions::end(&self.redis, &ids).await
    }
}

/// From when on Redis may lack what ended; nothing when it lacks nothing.
fn forgotten_since(told: Option<Told>, now: Told) -> Option<Timestamp> {
    let (from, before) = match told {
        Some(told) if told.losses == now.losses => return None,
        Some(told) => (told.at, LAST_MOMENTS),
        None => (now.at, SignedDuration::from_secs(KEPT_SECONDS.into())),
    };

    Some(from.saturating_sub(before).unwrap_or(Timestamp::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_is_told_again_what_it_may_have_forgotten() {
        let second = |second| Timestamp::from_second(second).expect("in range");
        let told = |at, losses| Told {
            at: second(at),
            losses,
        };
        let now = told(100_000, 7);
        for (last, expected) in [
            (None, Some(second(100_000 - i64::from(KEPT_SECONDS)))),
            (Some(told(90_000, 6)), Some(second(90_000 - 60))),
            (Some(told(90_000, 7)), None),
        ] {
            assert_eq!(forgotten_since(last, now), expected, "{last:?}");
        }
    }
}
