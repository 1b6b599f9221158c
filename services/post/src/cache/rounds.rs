//! Many who ask the same at once are answered by one read, and never by one that began before they asked.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Reads in rounds: whoever asks while a read runs waits for the next one, together with all others who do.
///
/// So under load there is one read at a time for each key, and still every answer is at least as new as its question.
/// A failure is told to those too who asked while it was waited for: nobody waits for two of them.
pub struct Rounds<K, V> {
    /// A key is here while somebody reads for it, with those who wait for the next round.
    waiting: Mutex<HashMap<K, Vec<oneshot::Sender<V>>>>,
    is_failure: fn(&V) -> bool,
}

/// Forgets a key whose reads ended in a panic, which tells those who wait for it.
struct Forget<'a, K: Eq + Hash, V>(&'a Rounds<K, V>, &'a K);

impl<K, V> Rounds<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + 'static,
{
    pub fn new(is_failure: fn(&V) -> bool) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::new(HashMap::new()),
            is_failure,
        })
    }

    /// What `read` answers in the next round; nothing when it panics. All who ask for the same key mean the same by
    /// `read`: the first one's is used.
    pub async fn ask<F, R>(self: &Arc<Self>, key: K, read: F) -> Option<V>
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = V> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting();
            match waiting.get_mut(&key) {
                Some(others) => {
                    others.push(sender);
                    false
                }
                None => {
                    waiting.insert(key.clone(), vec![sender]);
                    true
                }
            }
        };
        if is_first {
            // A task of its own, because others wait for it even when the first one goes away.
            tokio::spawn(self.clone().read(key, read));
        }

        answer.await.ok()
    }

    /// Round after round, until nobody waits.
    async fn read<F, R>(self: Arc<Self>, key: K, read: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = V> + Send + 'static,
    {
        let forget = Forget(&self, &key);
        while let Some(mut round) = self.next_round(&key) {
            let value = read().await;
            if (self.is_failure)(&value) {
                round.extend(self.waiting_for(&key));
            }
            for sender in round {
                // Who went away meanwhile needs no answer.
                let _ = sender.send(value.clone());
            }
        }
        std::mem::forget(forget);
    }

    fn next_round(&self, key: &K) -> Option<Vec<oneshot::Sender<V>>> {
        let mut waiting = self.waiting();
        let round = std::mem::take(waiting.get_mut(key)?);
        if round.is_empty() {
            waiting.remove(key);
            return None;
        }

        Some(round)
    }
}

impl<K: Eq + Hash, V> Rounds<K, V> {
    /// Those who wait for the next round, which is empty then.
    fn waiting_for(&self, key: &K) -> Vec<oneshot::Sender<V>> {
        self.waiting()
            .get_mut(key)
            .map(std::mem::take)
            .unwrap_or_default()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<K, Vec<oneshot::Sender<V>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Drop for Forget<'_, K, V> {
    fn drop(&mut self) {
        self.0.waiting().remove(self.1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_never_older_than_its_question() {
        let rounds = Rounds::new(|_| false);
        let (reads, go) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
        let ask = || {
            let (rounds, reads, go) = (rounds.clone(), reads.clone(), go.clone());
            tokio::spawn(async move {
                let read = move || {
                    let (number, go) = (reads.fetch_add(1, Ordering::SeqCst) + 1, go.clone());
                    async move {
                        go.acquire().await.expect("open").forget();
                        number
                    }
                };
                rounds.ask("key", read).await
            })
        };

        let first = ask();
        while reads.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // The first read has begun, so it is nothing for those who ask from here on.
        let late: Vec<_> = (0..10).map(|_| ask()).collect();
        tokio::task::yield_now().await;
        go.add_permits(100);

        assert_eq!(first.await.expect("asked"), Some(1));
        let late = join_all(late).await;
        assert!(late.into_iter().all(|n| n.expect("asked") == Some(2)));
        assert_eq!(
            reads.load(Ordering::SeqCst),
            2,
            "ten were answered by one read"
        );
    }

    #[tokio::test]
    async fn nobody_waits_for_two_failures() {
        let rounds = Rounds::new(Result::is_err);
        let (reads, fail) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
        let ask = || {
            let (rounds, reads, fail) = (rounds.clone(), reads.clone(), fail.clone());
            tokio::spawn(async move {
                let read = move || {
                    let (number, fail) = (reads.fetch_add(1, Ordering::SeqCst) + 1, fail.clone());
                    async move {
                        fail.acquire().await.expect("open").forget();
                        Err::<(), _>(number)
                    }
                };
                rounds.ask("key", read).await
            })
        };

        let first = ask();
        while reads.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let late = [ask(), ask()];
        tokio::task::yield_now().await;
        fail.add_permits(1);

        for asked in std::iter::once(first).chain(late) {
            assert_eq!(asked.await.expect("asked"), Some(Err(1)));
        }
    }

    #[tokio::test]
    async fn keys_do_not_wait_for_each_other() {
        let rounds = Rounds::new(|_| false);
        let stuck = tokio::spawn({
            let rounds = rounds.clone();
            async move { rounds.ask("stuck", std::future::pending::<u32>).await }
        });
        tokio::task::yield_now().await;

        assert_eq!(rounds.ask("free", async || 1).await, Some(1));
        stuck.abort();
    }

    #[tokio::test]
    async fn a_read_that_panics_leaves_nobody_waiting() {
        let rounds: Arc<Rounds<&str, u32>> = Rounds::new(|_| false);
        assert_eq!(rounds.ask("key", async || panic!("on purpose")).await, None);
        assert_eq!(rounds.ask("key", async || 1).await, Some(1));
    }
}
