//! Announcing what became of posts, off the request's path.
//!
//! A change and that it is to be announced are one write; see [`store`](crate::store). Who made a change hands it to the
//! relay of its process, which publishes it and, once the broker has confirmed it, takes note of that. What this does not
//! reach, because a process died, the broker was away or too much came at once, every relay looks for, and several share
//! that work. A change may be announced twice, and none is forgotten.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bus::{PublishError, Publisher};
use database::CallError;
use faults::{Bug, Point};
use futures::{Stream, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use prometheus::IntGauge;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::cache::Pages;
use crate::event;
use crate::store::{BATCH, Backlog, Store, Stored};

/// Changes that wait in this process; those beyond are looked for in the database.
const MAX_WAITING: usize = 512;
/// Changes that are published at once.
const MAX_AT_ONCE: usize = 64;
/// How often changes are looked for that nobody announces.
const PERIOD: Duration = Duration::from_secs(1);
/// At the end of the process, what waits may take so long. What is left then, another one announces.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);
/// A change that waits longer is worth a word in `/readyz`.
const LATE: SignedDuration = SignedDuration::from_secs(10);

/// Takes changes that were just made. Clones share one relay.
#[derive(Clone)]
pub struct Relay {
    sender: mpsc::Sender<Stored>,
    look: Arc<Notify>,
    backlog: Arc<Mutex<Backlog>>,
    pending: IntGauge,
    finish: CancellationToken,
}

/// The other end: what announces them.
pub struct Relaying {
    outbox: Outbox,
    receiver: mpsc::Receiver<Stored>,
    relay: Relay,
}

/// What both ways of announcing need.
struct Outbox {
    store: Store,
    pages: Pages,
    publisher: Publisher,
}

impl Relay {
    pub fn start(store: Store, pages: Pages, publisher: Publisher) -> (Self, Relaying) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        let relay = Self {
            sender,
            look: Arc::default(),
            backlog: Arc::default(),
            pending: IntGauge::new("events_pending", "Changes of posts to be announced.")
                .expect("the name above is valid"),
            finish: CancellationToken::new(),
        };
        let outbox = Outbox {
            store,
            pages,
            publisher,
        };
        let relaying = Relaying {
            outbox,
            receiver,
            relay: relay.clone(),
        };

        (relay, relaying)
    }

    /// Has a change announced that was just made.
    pub fn announce(&self, stored: Stored) {
        faults::passes(Point::Written);
        if stored.pending.is_some() && self.sender.try_send(stored).is_err() {
            tracing::debug!("a change waits in the database to be announced");
        }
    }

    /// Has the database looked through for changes, made by whomever.
    pub fn look(&self) {
        self.look.notify_one();
    }

    /// How many changes are to be announced, those of other processes among them, as a metric.
    pub fn pending(&self) -> IntGauge {
        self.pending.clone()
    }

    /// For `/readyz`: the reason while a change waits for long.
    pub fn note(&self) -> Result<(), String> {
        let backlog = *self.backlog.lock().unwrap_or_else(PoisonError::into_inner);
        let age = |since| Timestamp::now().duration_since(since);
        match backlog.since.map(age) {
            Some(age) if age > LATE => Err(format!(
                "{} changes of posts are to be announced, the first for {} s",
                backlog.count,
                age.as_secs()
            )),
            _ => Ok(()),
        }
    }

    /// Takes no more; what waits is still announced.
    pub fn finish(&self) {
        self.finish.cancel();
    }
}

impl Relaying {
    /// Announces until [`Relay::finish`], and then what this process has left, for 5 s at the most.
    pub async fn run(self) {
        let Self {
            outbox,
            receiver,
            relay,
        } = self;
        let finish = relay.finish.clone();
        let own = outbox.announce(until(receiver, &finish));
        let all = async { tokio::join!(outbox.sweep(&relay), outbox.keep_counting(&relay)) };
        let all = finish.run_until_cancelled(all);
        let too_late = async {
            finish.cancelled().await;
            tokio::time::sleep(FINISH_TIMEOUT).await;
        };

        tokio::select! {
            _ = async { tokio::join!(own, all) } => {}
            () = too_late => tracing::warn!("changes of posts are left to be announced"),
        }
    }
}

impl Outbox {
    /// Publishes changes, many at once, and takes note of those that the broker has confirmed.
    ///
    /// Says how many those were.
    async fn announce(&self, changes: impl Stream<Item = Stored>) -> usize {
        let count = AtomicUsize::new(0);
        changes
            .map(async |stored| self.publish(stored).await)
            .buffer_unordered(MAX_AT_ONCE)
            .filter_map(std::future::ready)
            .ready_chunks(BATCH)
            .for_each_concurrent(2, async |confirmed| {
                count.fetch_add(confirmed.len(), Ordering::Relaxed);
                faults::passes(Point::Confirmed);
                if let Err(error) = self.store.announced(&confirmed).await {
                    tracing::debug!(%error, "changes will be announced again");
                }
            })
            .await;

        count.into_inner()
    }

    async fn publish(&self, mut stored: Stored) -> Option<Stored> {
        if stored.is_deleted {
            // Asked once the mark is there: of two posts that go together, the second says what goes with both.
            match self.store.own_files(&stored.post).await {
                Ok(files) => stored.post.media_ids = files,
                Err(error) => {
                    tracing::debug!(%error, "a deletion waits");
                    return None;
                }
            }
        }
        let pending = stored.pending.as_ref()?;
        if faults::has(Bug::ClearBeforeConfirm) {
            let one = std::slice::from_ref(&stored);
            self.store.announced(one).await.ok()?;
        }
        faults::passes(Point::Taken);
        match event::publish(&self.publisher, &stored, pending).await {
            Ok(()) => return Some(stored),
            // Waiting for a connection is normal, and `bus` says once that there is none.
            Err(error @ PublishError::NotSent) => tracing::debug!(%error, "a change waits"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                post.id = %stored.post.id,
                requestId = %pending.origin.request_id,
                "a change of a post was not announced, trying again"
            ),
        }

        None
    }

    /// Announces what nobody announces, for ever.
    async fn sweep(&self, relay: &Relay) {
        loop {
            tokio::select! {
                () = relay.look.notified() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
            if let Err(error) = self.sweep_once().await {
                tracing::debug!(%error, "failed to look for changes to announce");
            }
        }
    }

    /// Says how much is to be announced, for ever.
    async fn keep_counting(&self, relay: &Relay) {
        loop {
            tokio::time::sleep(PERIOD).await;
            match self.store.backlog().await {
                Ok(backlog) => {
                    let count = i64::try_from(backlog.count).unwrap_or(i64::MAX);
                    relay.pending.set(count);
                    *relay.backlog.lock().unwrap_or_else(PoisonError::into_inner) = backlog;
                }
                Err(error) => tracing::debug!(%error, "failed to count changes to announce"),
            }
        }
    }

    async fn sweep_once(&self) -> Result<(), CallError> {
        while self.publisher.is_connected() {
            let taken = self.store.take_pending().await?;
            if taken.is_empty() {
                break;
            }
            // Who made these changes may have died before the pages knew, or before asking for the author.
            self.pages.changed().await;
            self.delete_orphans(&taken).await?;
            // A broker that takes nothing is left alone for a moment: some queues may get what others refuse.
            if self.announce(stream::iter(taken)).await == 0 {
                break;
            }
        }

        Ok(())
    }

    /// Deletes posts that were written while their author's account was deleted.
    async fn delete_orphans(&self, taken: &[Stored]) -> Result<(), CallError> {
        let living = || taken.iter().filter(|stored| !stored.is_deleted);
        let authors: HashSet<_> = living().map(|stored| stored.post.user).collect();
        let gone = self.store.gone_among(authors).await?;
        for stored in living().filter(|stored| gone.contains(&stored.post.user)) {
            let pending = stored.pending.as_ref();
            let origin = pending.map(|pending| pending.origin.clone());
            let (id, author) = (stored.post.id, stored.post.user);
            self.store
                .delete(id, author, origin.unwrap_or_default())
                .await?;
        }

        Ok(())
    }
}

/// What is received until `finish`, and what waits then.
fn until(
    receiver: mpsc::Receiver<Stored>,
    finish: &CancellationToken,
) -> impl Stream<Item = Stored> {
    stream::unfold(receiver, async |mut receiver| {
        let next = tokio::select! {
            biased;
            next = receiver.recv() => next?,
            () = finish.cancelled() => return None,
        };
        Some((next, receiver))
    })
}
