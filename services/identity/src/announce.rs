//! Telling every process that sessions have ended, so that their access tokens stop to be accepted.
//!
//! An end is written to MongoDB first, marked as unannounced; here it is passed on to Redis, where everybody follows it,
//! and the mark is removed. What Redis missed while it was away therefore waits, and so does what a process that died
//! had not passed on. A Redis that has lost its memory has lost its mark with it, and is told everything again that
//! still matters.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redis_kit::redis::cmd;
use redis_kit::{Redis, sessions};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::id::Id;
use crate::store::{self, Store};

const PERIOD: Duration = Duration::from_secs(1);
/// There as long as Redis has not forgotten.
const MARK: &str = "sessions:told";
/// As many as are told at once.
const BATCH: i64 = 500;
/// More than this that ended within the lifetime of an access token are not told again.
const MAX_TOLD_AGAIN: i64 = 1_000_000;
/// A token may be made after its session's end was decided, by a request that had begun before; and clocks differ.
const MARGIN_SECONDS: u32 = 60;

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
    pub store: Store,
    pub redis: Redis,
    pub access_token_ttl_seconds: u32,
}

impl Announcer {
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

impl Announcing {
    /// Announces until `shutdown`, and then once more what is left.
    pub async fn run(self, announcer: Announcer, shutdown: CancellationToken) {
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

    async fn announce(&self) -> Result<(), Error> {
        if self.redis.query::<u8>(cmd("EXISTS").arg(MARK)).await? == 0 {
            self.tell_again().await?;
            self.redis.query::<()>(cmd("SET").arg(MARK).arg(1)).await?;
        }
        loop {
            let ids = self.store.unannounced(BATCH).await?;
            if ids.is_empty() {
                return Ok(());
            }
            self.tell(&ids).await?;
            self.store.announced(&ids).await?;
        }
    }

    async fn tell_again(&self) -> Result<(), Error> {
        let past = SignedDuration::from_secs(self.ttl_seconds().into());
        let since = Timestamp::now()
            .saturating_sub(past)
            .unwrap_or(Timestamp::MIN);
        let ids = self.store.ended_since(since, MAX_TOLD_AGAIN).await?;
        let batch = usize::try_from(BATCH).unwrap_or(usize::MAX);
        for ids in ids.chunks(batch) {
            self.tell(ids).await?;
        }

        Ok(())
    }

    async fn tell(&self, ids: &[Id]) -> Result<(), redis_kit::Error> {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();

        sessions::end(&self.redis, &ids, self.ttl_seconds()).await
    }

    fn ttl_seconds(&self) -> u32 {
        self.access_token_ttl_seconds.saturating_add(MARGIN_SECONDS)
    }
}
