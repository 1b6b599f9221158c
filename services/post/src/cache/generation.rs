//! The number that every write moves on, and under which pages are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis_kit::Redis;
use redis_kit::redis::cmd;
use tokio_util::sync::CancellationToken;

use crate::cache::rounds::Rounds;

/// How often a change that Redis was not told of is told again.
const REPEAT_EVERY: Duration = Duration::from_secs(1);
/// A step is anything from 1 to this. It takes 10^13 writes to use the numbers up.
const LONGEST_STEP: u64 = 1 << 20;

/// The generation of the list, shared by all replicas. Clones share what they know.
#[derive(Clone)]
pub struct Generation {
    counter: Arc<Counter>,
    rounds: Arc<Rounds<(), Option<i64>>>,
}

struct Counter {
    redis: Redis,
    key: String,
    /// Up to which [missed](Counter::missed) everything was made up for.
    repeated: AtomicU64,
}

impl Generation {
    /// Kept in Redis under `key`. What was there before this process started may be from before Redis lost something, so
    /// the first question moves it on.
    pub fn new(redis: Redis, key: String) -> Self {
        Self {
            counter: Arc::new(Counter {
                redis,
                key,
                repeated: AtomicU64::new(0),
            }),
            rounds: Rounds::new(Option::is_none),
        }
    }

    /// As it is now or was after the question was asked; nothing while Redis is away.
    pub async fn current(&self) -> Option<i64> {
        let counter = self.counter.clone();
        let read = move || {
            let counter = counter.clone();
            async move { counter.current().await }
        };

        self.rounds.ask((), read).await.flatten()
    }

    /// Moves it on. When Redis does not hear of it, this process uses no generation until Redis has heard of it.
    pub async fn advance(&self) {
        self.counter.advance().await;
    }

    /// Repeats what Redis missed, also while nobody asks, until `shutdown`.
    pub async fn repeat(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(REPEAT_EVERY);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.counter.repeat().await,
                () = shutdown.cancelled() => return,
            };
        }
    }
}

impl Counter {
    async fn current(&self) -> Option<i64> {
        if self.missed() != self.repeated.load(Ordering::SeqCst) {
            return self.repeat().await;
        }
        match self.redis.query(cmd("GET").arg(&self.key)).await.ok()? {
            Some(generation) => Some(generation),
            // Redis lost it.
            None => self.advance().await,
        }
    }

    /// Grows whenever Redis may have missed something: a change, or, in a restart, whatever it had not yet on disk. It
    /// begins with what was missed before there was this process.
    fn missed(&self) -> u64 {
        self.redis.failures() + 1
    }

    /// The generation after everything that was missed is made up for; nothing when there is nothing of that kind.
    async fn repeat(&self) -> Option<i64> {
        let missed = self.missed();
        if missed == self.repeated.load(Ordering::SeqCst) {
            return None;
        }
        let generation = self.advance().await?;
        // What is missed from here on counts on its own.
        self.repeated.fetch_max(missed, Ordering::SeqCst);

        Some(generation)
    }

    async fn advance(&self) -> Option<i64> {
        let step = 1 + rand::random::<u64>() % LONGEST_STEP;

        self.redis
            .query(cmd("INCRBY").arg(&self.key).arg(step))
            .await
            .ok()
    }
}

#[cfg(test)]
mod with_redis;
