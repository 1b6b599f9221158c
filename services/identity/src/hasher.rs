//! Hashing beside the requests: on threads that block, as many at once as there are cores, in memory used again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::{Block, Params};
use prometheus::{IntCounterVec, IntGauge, Opts};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::hash::{self, HashError, StoredHash};
use crate::password::Password;

/// How many may wait for each core: about a second's worth at the default parameters.
const WAITING_PER_CORE: usize = 64;
/// Memory nobody used for one to two of these is given back.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// As Linux counts: from -20, which goes first, to 19.
const LOWEST_PRIORITY: i32 = 19;

/// Hashes and verifies passwords.
pub struct Hasher {
    params: Params,
    unmatchable: StoredHash,
    /// Those who hash and those who wait for it.
    places: Semaphore,
    cores: Arc<Semaphore>,
    memory: Arc<Memory>,
    pending: IntGauge,
    runs: IntCounterVec,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("too many passwords are waiting to be hashed")]
    Busy,

    #[error(transparent)]
    Hash(#[from] HashError),

    #[error("failed to finish a password hash")]
    Ended(#[source] tokio::task::JoinError),
}

/// What became of a password that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    pub matches: bool,
    /// When Argon2 began to run.
    pub begun: Instant,
}

/// Blocks between two hashes. A fresh allocation would cost a page fault for every 4 KiB of each hash.
#[derive(Default)]
struct Memory(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    blocks: Vec<Vec<Block>>,
    uses: u64,
}

impl Hasher {
    pub fn new(params: Params, cores: usize) -> Result<Self, HashError> {
        Ok(Self {
            unmatchable: StoredHash::unmatchable(&params)?,
            params,
            places: Semaphore::new(cores * (1 + WAITING_PER_CORE)),
            cores: Arc::new(Semaphore::new(cores)),
            memory: Arc::default(),
            pending: IntGauge::new(
                "password_hashes_pending",
                "Password hashes being computed or waiting for it.",
            )
            .expect("the name above is valid"),
            runs: IntCounterVec::new(
                Opts::new("password_hashes_total", "Runs of Argon2, by purpose."),
                &["purpose"],
            )
            .expect("the name and label above are valid"),
        })
    }

    /// How many hash and how many wait for it.
    pub fn pending(&self) -> IntGauge {
        self.pending.clone()
    }

    /// How often Argon2 ran.
    pub fn runs(&self) -> IntCounterVec {
        self.runs.clone()
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: Password) -> Result<String, Error> {
        self.make("new", password).await
    }

    /// A new hash of a password whose stored one is of other parameters.
    pub async fn rewrite(&self, password: Password) -> Result<String, Error> {
        self.make("rewrite", password).await
    }

    /// Whether new hashes are not made like this one.
    pub fn is_outdated(&self, hash: &str) -> bool {
        StoredHash::parse(hash).is_ok_and(|hash| !hash.is_made_with(&self.params))
    }

    /// Whether `password` belongs to `hash`. Argon2 runs once, whether there is a hash and whether it can be read or not.
    pub async fn verify(&self, password: Password, hash: Option<&str>) -> Result<Verified, Error> {
        let stored = hash.and_then(|hash| match StoredHash::parse(hash) {
            Ok(hash) => Some(hash),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "nobody can log in to an account"
                );
                None
            }
        });
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.unmatchable.clone());
        let work = move |memory: &mut _| {
            let begun = Instant::now();
            let matches = stored.matches(&password, memory)?;
            Ok(Verified {
                matches: matches && exists,
                begun,
            })
        };

        self.run("verify", work).await
    }

    /// Gives memory back that is not used for a while, until `shutdown`.
    pub async fn tidy(self: Arc<Self>, shutdown: CancellationToken) {
        let mut last = 0;
        while shutdown
            .run_until_cancelled(tokio::time::sleep(KEPT_FOR))
            .await
            .is_some()
        {
            last = self.memory.release_if_unused_since(last);
        }
    }

    async fn make(&self, purpose: &'static str, password: Password) -> Result<String, Error> {
        let params = self.params.clone();
        self.run(purpose, move |memory| {
            hash::hash(&password, &params, memory)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        purpose: &'static str,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Error> {
        let _place = self.places.try_acquire().map_err(|_| Error::Busy)?;
        let _pending = Pending::of(&self.pending);
        let core = self.cores.clone().acquire_owned().await;
        let core = core.map_err(|_| Error::Busy)?;
        let memory = self.memory.clone();
        let keep = self.params.block_count();
        let runs = self.runs.with_label_values(&[purpose]);

        tokio::task::spawn_blocking(move || {
            // Moved in, because a caller that goes away does not stop this thread.
            let _core = core;
            let_others_go_first();
            let mut blocks = memory.take();
            runs.inc();
            let result = work(&mut blocks);
            memory.put_back(blocks, keep);
            result
        })
        .await
        .map_err(Error::Ended)?
        .map_err(Error::Hash)
    }
}

/// Logins may take every core, but not from requests that need a moment of one: this thread runs when no other wants to.
/// It is one of the runtime's and stays like that; what else blocks in this process, names that are looked up among it,
/// may get it later.
/// Where that cannot be asked for, hashing goes on all the same.
fn let_others_go_first() {
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
        tracing::debug!(%error, "hashes are computed at the priority of requests");
    }
}

/// Counts one more in a gauge for as long as it lives: a caller may leave at any time.
struct Pending<'a>(&'a IntGauge);

impl<'a> Pending<'a> {
    fn of(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Memory {
    fn take(&self) -> Vec<Block> {
        let mut idle = self.lock();
        idle.uses += 1;
        idle.blocks.pop().unwrap_or_default()
    }

    /// Keeps `blocks` for the next hash, cut to what a new hash needs: an older one may have needed more.
    fn put_back(&self, mut blocks: Vec<Block>, keep: usize) {
        blocks.truncate(keep);
        blocks.shrink_to_fit();
        self.lock().blocks.push(blocks);
    }

    /// Frees what is kept if nothing was taken since the count was `uses`; answers with the count.
    fn release_if_unused_since(&self, uses: u64) -> u64 {
        let mut idle = self.lock();
        if idle.uses == uses {
            idle.blocks = Vec::new();
        }

        idle.uses
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    fn hasher(cores: usize) -> Hasher {
        let params = Params::new(64, 1, 1, None).expect("valid parameters");
        Hasher::new(params, cores).expect("random bytes")
    }

    fn password(text: &str) -> Password {
        text.to_owned().into()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let hasher = hasher(2);
        let hash = hasher.hash(password("open sesame")).await.expect("hashed");
        let verify = async |text, hash| {
            let result = hasher.verify(password(text), hash).await;
            result.expect("verified").matches
        };

        assert!(verify("open sesame", Some(&hash)).await);
        assert!(!verify("open barley", Some(&hash)).await);
        assert!(!verify("open sesame", None).await);
        assert!(!verify("open sesame", Some("no hash")).await);
        assert_eq!(hasher.runs.with_label_values(&["verify"]).get(), 4);
    }

    #[tokio::test]
    async fn those_beyond_the_waiting_line_are_sent_away() {
        let hasher = hasher(1);
        let line = 1 + WAITING_PER_CORE;
        let results = join_all((0..line + 3).map(|_| hasher.hash(password("x")))).await;
        let busy = results
            .iter()
            .filter(|result| matches!(result, Err(Error::Busy)));

        assert_eq!(busy.count(), 3);
        assert!(hasher.hash(password("x")).await.is_ok());
    }

    #[tokio::test]
    async fn as_many_blocks_are_kept_as_there_are_cores() {
        let hasher = hasher(2);
        join_all((0..20).map(|_| hasher.hash(password("x")))).await;

        assert!((1..=2).contains(&hasher.memory.lock().blocks.len()));
    }

    #[test]
    fn blocks_are_cut_to_what_a_new_hash_needs() {
        let memory = Memory::default();
        memory.put_back(vec![Block::new(); 100], 64);

        assert_eq!(memory.take().len(), 64);
    }

    #[test]
    fn unused_memory_is_given_back_and_used_memory_is_not() {
        let memory = Memory::default();
        let kept = || memory.lock().blocks.len();
        let blocks = memory.take();
        memory.put_back(blocks, 64);

        let uses = memory.release_if_unused_since(0);
        assert_eq!((uses, kept()), (1, 1));
        memory.release_if_unused_since(uses);
        assert_eq!(kept(), 0);
    }
}
