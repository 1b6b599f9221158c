//! Pages of the list as they were last written, so that most are not read from the database.
//!
//! A page is kept under the **generation** of the list, a number in Redis that every write moves on with one `INCRBY`
//! after the database has it and before the client has its answer. A reader asks for the generation first and
//! then looks for the page of exactly that generation: near, in this process, then in Redis, then in the
//! database. Nothing is ever searched for or deleted; pages of older generations are not asked for any more and expire.
//!
//! # Nobody sees a list from before their own write
//!
//! - A writer's answer comes after its `INCRBY`. Whoever asks later, at any replica, is told that generation or a later
//!   one ([`Rounds`](rounds::Rounds): a question is never answered by a read that began before it).
//! - A page under a generation was read from the database by somebody who knew the generation already, thus
//!   after all writes that led to it. Who reads slowly stores an old page under an old generation, where nobody looks.
//! - What MongoDB told a writer is committed by a majority, it shows to whoever asks its primary later.
//! - A generation that is not known is not guessed: the page comes from the database.
//!
//! # When Redis fails
//!
//! It may miss a write, or forget some: after a restart its numbers and pages may both be those of a while ago. A
//! failed call is how a process notices either. From then on it reads from the database, until an `INCRBY` of its own
//! has succeeded; it tries one every second, and every process begins like that. Steps are random, so a number
//! that Redis forgot is not given again to another state of the list. What remains is a process that alone cannot reach
//! Redis, or dies between its write and the `INCRBY`: others may list without that write until its `INCRBY` succeeds, but no
//! longer than a page lives, [`NEAR_TTL`] and the setting `PAGE_CACHE_TTL_SECONDS` together.
//!
//! # When many ask
//!
//! A page that is missing is read once per process and generation, whoever asks for it; without Redis, readers of
//! the same page still share reads, in rounds, and a failure too.

mod generation;
mod rounds;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use database::CallError;
use moka::future::Cache;
use redis_kit::Redis;
use redis_kit::redis::cmd;
use tokio_util::sync::CancellationToken;

use crate::cache::generation::Generation;
use crate::cache::rounds::Rounds;
use crate::page::Wanted;
use crate::source::{Rendered, Source};

/// Generations make near pages right; this only bounds the damage when one was missed.
const NEAR_TTL: Duration = Duration::from_secs(1);
const NEAR_BYTES: u64 = 8 * 1024 * 1024;
/// What a near page takes beside its bytes.
const ENTRY_BYTES: usize = 512;

/// The pages of the list. Clones share what they keep.
#[derive(Clone)]
pub struct Pages {
    source: Source,
    /// Nothing is kept without it.
    kept: Option<Arc<Kept>>,
}

struct Kept {
    redis: Redis,
    namespace: String,
    ttl_seconds: u32,
    generation: Generation,
    near: Cache<(i64, Wanted), Rendered>,
    without_redis: Arc<Rounds<Wanted, Result<Rendered, Arc<CallError>>>>,
}

impl Pages {
    /// Pages of `source`, each kept for so long; with 0 none is. `namespace` keeps them apart from those of another
    /// source in the same Redis.
    pub fn new(source: Source, redis: Redis, namespace: String, ttl_seconds: u32) -> Self {
        let kept = (ttl_seconds > 0).then(|| {
            let weight = |_: &(i64, Wanted), page: &Rendered| {
                u32::try_from(page.bytes().len() + ENTRY_BYTES).unwrap_or(u32::MAX)
            };
            let near = Cache::builder()
                .max_capacity(NEAR_BYTES)
                .weigher(weight)
                .time_to_live(NEAR_TTL)
                .build();
            Arc::new(Kept {
                generation: Generation::new(redis.clone(), format!("{namespace}:generation")),
                redis,
                namespace,
                ttl_seconds,
                near,
                without_redis: Rounds::new(Result::is_err),
            })
        });

        Self { source, kept }
    }

    pub async fn get(&self, wanted: Wanted) -> Result<Rendered, Arc<CallError>> {
        let Some(kept) = &self.kept else {
            return self.source.read(&wanted).await.map_err(Arc::new);
        };
        match kept.generation.current().await {
            Some(generation) => kept.get(generation, wanted, &self.source).await,
            None => self.get_without_redis(kept, wanted).await,
        }
    }

    /// To be awaited after every write and before its answer, also when it is unknown whether the write took place.
    pub async fn changed(&self) {
        if let Some(kept) = &self.kept {
            kept.generation.advance().await;
        }
    }

    /// Keeps the generation up to date after Redis was away, until `shutdown`.
    pub async fn follow(self, shutdown: CancellationToken) {
        if let Some(kept) = self.kept {
            kept.generation.clone().repeat(shutdown).await;
        }
    }

    async fn get_without_redis(
        &self,
        kept: &Kept,
        wanted: Wanted,
    ) -> Result<Rendered, Arc<CallError>> {
        let (source, page) = (self.source.clone(), wanted.clone());
        let read = move || {
            let (source, page) = (source.clone(), page.clone());
            async move { source.read(&page).await.map_err(Arc::new) }
        };

        match kept.without_redis.ask(wanted.clone(), read).await {
            Some(result) => result,
            None => self.source.read(&wanted).await.map_err(Arc::new),
        }
    }
}

impl Kept {
    async fn get(
        &self,
        generation: i64,
        wanted: Wanted,
        source: &Source,
    ) -> Result<Rendered, Arc<CallError>> {
        let key = (generation, wanted);
        if let Some(page) = self.near.get(&key).await {
            return Ok(page);
        }
        let far = format!("{}:{generation}:{}", self.namespace, key.1);
        let wanted = key.1.clone();
        let read = async {
            if let Some(page) = self.find(&far).await {
                return Ok(page);
            }
            let page = source.read(&wanted).await?;
            self.keep(far, page.bytes().clone());

            Ok(page)
        };

        self.near.try_get_with(key, read).await
    }

    async fn find(&self, key: &str) -> Option<Rendered> {
        let found: Option<Bytes> = self.redis.query(cmd("GET").arg(key)).await.ok()?;

        Rendered::from_bytes(found?)
    }

    /// Nobody waits for it: a page that Redis does not take is read again.
    fn keep(&self, key: String, page: Bytes) {
        let (redis, ttl_seconds) = (self.redis.clone(), self.ttl_seconds);
        tokio::spawn(async move {
            let mut set = cmd("SET");
            set.arg(key).arg(&page[..]).arg("EX").arg(ttl_seconds);
            if let Err(error) = redis.query::<()>(&set).await {
                tracing::debug!(%error, "a page is not kept");
            }
        });
    }
}
