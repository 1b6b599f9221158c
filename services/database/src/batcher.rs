//! One call for many that are asked for at the same time.

use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt, stream};
use tokio::sync::{mpsc, oneshot};

/// While the database writes one batch into its journal, it works on the other.
const AT_ONCE: usize = 2;

/// Gathers what is asked for while the work before it is going on, and has it done together: alone when little is
/// asked for, so that nobody waits for company, and by the hundred when much is.
#[derive(Debug)]
pub struct Batcher<T, R> {
    asked: mpsc::Sender<(T, oneshot::Sender<R>)>,
}

impl<T, R> Clone for Batcher<T, R> {
    fn clone(&self) -> Self {
        Self {
            asked: self.asked.clone(),
        }
    }
}

impl<T: Send + 'static, R: Send + 'static> Batcher<T, R> {
    /// `work` is given at most `limit` at once, in the order they were asked for, and answers each in that order. As
    /// many wait meanwhile; beyond that, asking waits.
    ///
    /// Must be called within a Tokio runtime. It works until every clone is dropped.
    pub fn new<F, W>(limit: usize, work: F) -> Self
    where
        F: Fn(Vec<T>) -> W + Send + Sync + 'static,
        W: Future<Output = Vec<R>> + Send + 'static,
    {
        let (asked, waiting) = mpsc::channel::<(T, oneshot::Sender<R>)>(limit);
        let batches = stream::unfold(waiting, move |mut waiting| async move {
            let mut batch = Vec::new();
            let count = waiting.recv_many(&mut batch, limit).await;
            (count > 0).then_some((batch, waiting))
        });
        tokio::spawn(batches.for_each_concurrent(AT_ONCE, move |batch| {
            let asked = batch.into_iter().filter(|(_, asker)| !asker.is_closed());
            let (items, askers): (Vec<_>, Vec<_>) = asked.unzip();
            let answers = work(items);
            async move {
                // After a panic the askers are dropped unanswered.
                let answers = AssertUnwindSafe(answers).catch_unwind().await;
                for (asker, answer) in askers.into_iter().zip(answers.unwrap_or_default()) {
                    // Who asked may have given up.
                    let _ = asker.send(answer);
                }
            }
        }));

        Self { asked }
    }

    /// Has `item` done. Who gives up on the answer does not know whether it was.
    ///
    /// # Panics
    ///
    /// When the work panicked.
    pub async fn run(&self, item: T) -> R {
        let (asker, answer) = oneshot::channel();
        let asked = self.asked.send((item, asker)).await;
        asked.expect("the task lives as long as the sender");

        answer.await.expect("the work did not panic")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn what_is_asked_for_meanwhile_is_done_together_and_each_gets_its_own_answer() {
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let gate = Arc::new(Semaphore::new(0));
        let (seen, go) = (sizes.clone(), gate.clone());
        let double = Batcher::new(4, move |items: Vec<usize>| {
            seen.lock().expect("whole").push(items.len());
            let go = go.clone();
            async move {
                go.acquire().await.expect("open").forget();
                items.into_iter().map(|item| 2 * item).collect()
            }
        });
        let asked = join_all((0..10).map(|item| {
            let double = double.clone();
            async move { double.run(item).await }
        }));
        let asked = tokio::spawn(asked);
        gate.add_permits(10);

        let answers = asked.await.expect("answered");
        assert_eq!(answers, (0..10).map(|item| 2 * item).collect::<Vec<_>>());
        let sizes = sizes.lock().expect("whole").clone();
        assert_eq!(sizes.iter().sum::<usize>(), 10);
        assert!(sizes.len() < 10, "{sizes:?}");
        assert!(sizes.iter().all(|size| *size <= 4), "{sizes:?}");
    }

    #[tokio::test]
    async fn a_panic_is_told_to_who_asked_and_ends_nothing_else() {
        let batcher = Batcher::new(4, async |items: Vec<u8>| {
            assert_ne!(items, [0], "this is the one that panics");
            items
        });
        let other = batcher.clone();

        let refused = tokio::spawn(async move { other.run(0).await }).await;
        assert!(refused.is_err_and(|error| error.is_panic()));
        assert_eq!(batcher.run(1).await, 1);
    }
}
