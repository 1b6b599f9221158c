//! Hashing beside the requests: on threads of its own, one for each core, in memory used again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use argon2::{Block, Params};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use prometheus::{IntCounterVec, IntGauge, Opts};
use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use crate::hash::{self, HashError, StoredHash};
use crate::password::Password;

/// How many may wait for each core: about a second's worth at the default parameters.
const WAITING_PER_CORE: usize = 64;
/// A thread that has had nothing to do for so long gives its memory back.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// Hashes and verifies passwords.
pub struct Hasher {
    params: Params,
    unmatchable: StoredHash,
    /// Those who wait for a hash. It bounds `work` but for what those who went away left, which is soon passed over.
    places: Semaphore,
    work: Sender<Work>,
    pending: IntGauge,
    runs: IntCounterVec,
}

/// What a thread does with its memory.
type Work = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("too many passwords are waiting to be hashed")]
    Busy,

    #[error(transparent)]
    Hash(#[from] HashError),

    #[error("failed to finish a password hash")]
    Ended,

    #[error("failed to start a thread to hash passwords on")]
    Thread(#[source] std::io::Error),
}

/// What became of a password that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    pub matches: bool,
    /// When Argon2 began to run.
    pub begun: Instant,
}

impl Hasher {
    pub fn new(params: Params, cores: usize) -> Result<Self, Error> {
        let (work, waiting) = unbounded();
        for _ in 0..cores {
            let (waiting, keep) = (waiting.clone(), params.block_count());
            thread::Builder::new()
                .name("hash".to_owned())
                .spawn(move || work_off(&waiting, keep))
                .map_err(Error::Thread)?;
        }

        Ok(Self {
            unmatchable: StoredHash::unmatchable(&params)?,
            params,
            places: Semaphore::new(cores * (1 + WAITING_PER_CORE)),
            work,
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
        let runs = self.runs.with_label_values(&[purpose]);
        let (tell, told) = oneshot::channel();
        let work = move |memory: &mut Vec<Block>| {
            // Who has gone away meanwhile needs no hash.
            if !tell.is_closed() {
                runs.inc();
                let _ = tell.send(work(memory));
            }
        };
        self.work.send(Box::new(work)).map_err(|_| Error::Ended)?;

        told.await.map_err(|_| Error::Ended)?.map_err(Error::Hash)
    }
}

/// The life of a thread: it ends with the [`Hasher`] it works for.
fn work_off(waiting: &Receiver<Work>, keep: usize) {
    let_others_go_first();
    // A fresh allocation would cost a page fault for every 4 KiB of each hash.
    let mut memory = Vec::new();
    loop {
        match waiting.recv_timeout(KEPT_FOR) {
            Ok(work) => {
                // Who waits for it is told by its channel, which is dropped.
                let _ = catch_unwind(AssertUnwindSafe(|| work(&mut memory)));
                // An older hash may have needed more than a new one does.
                memory.truncate(keep);
                memory.shrink_to_fit();
            }
            Err(RecvTimeoutError::Timeout) => memory = Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Logins may take every core, but not from requests that need a moment of one: this thread runs when no other of the
/// process wants to. Where that cannot be asked for, hashing goes on all the same.
fn let_others_go_first() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let asked = thread_priority::set_thread_priority_and_policy(
        thread_priority::thread_native_id(),
        ThreadPriority::Min,
        idle,
    );
    if let Err(error) = asked {
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};

    use futures::FutureExt as _;
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
    async fn who_has_gone_away_costs_no_hash() {
        let hasher = hasher(1);
        let [begun, go_on] = [(); 2].map(|()| Arc::new(Barrier::new(2)));
        let (begins, goes_on) = (begun.clone(), go_on.clone());
        let busy = move |_: &mut Vec<Block>| {
            begins.wait();
            goes_on.wait();
        };
        hasher.work.send(Box::new(busy)).expect("a thread");
        begun.wait();
        let gone = hasher.hash(password("gone")).now_or_never();
        assert!(gone.is_none());
        go_on.wait();

        assert!(hasher.hash(password("here")).await.is_ok());
        assert_eq!(hasher.runs.with_label_values(&["new"]).get(), 1);
    }

    #[tokio::test]
    async fn a_thread_outlives_what_panics_on_it() {
        let hasher = hasher(1);
        let panics = |_: &mut Vec<Block>| -> Result<(), HashError> { panic!("on purpose") };

        assert!(matches!(hasher.run("new", panics).await, Err(Error::Ended)));
        assert!(hasher.hash(password("x")).await.is_ok());
    }

    #[tokio::test]
    async fn a_thread_keeps_the_memory_a_new_hash_needs() {
        let hasher = hasher(1);
        let blocks = hasher.params.block_count();
        let kept = async || {
            let length = |memory: &mut Vec<Block>| Ok(memory.len());
            hasher.run("new", length).await.expect("a length")
        };
        assert_eq!(kept().await, 0);
        let large = move |memory: &mut Vec<Block>| {
            memory.resize(2 * blocks, Block::new());
            Ok(())
        };
        hasher.run("new", large).await.expect("done");

        assert_eq!(kept().await, blocks);
    }
}
