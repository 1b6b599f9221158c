//! A file on its way into the store.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::media::MediaId;
use crate::storage::StorageError;
use crate::store::{NewMedia, Store};

/// The sending half of an upload. Dropped before [`keep`](Self::keep), it leaves nothing behind.
///
/// The writing is done by a task of its own, because a request may end at any moment: a client hangs up, a timeout
/// strikes. Cut off in the middle of a write, nobody could tell whether a chunk appears after everything else was
/// deleted. The task is never cut off: it ends the write, then deletes. Should the process itself be killed, what is
/// left is swept later: the upload was noted before its first byte.
#[derive(Debug)]
pub struct Incoming {
    steps: mpsc::Sender<Step>,
    /// Taken when the task has ended.
    outcome: Option<JoinHandle<Result<Option<MediaId>, StorageError>>>,
}

#[derive(Debug)]
enum Step {
    Write(Bytes),
    Keep,
}

/// Storing failed.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    #[error(transparent)]
    Storage(#[from] StorageError),

    #[error("failed to store an upload: its task ended too early")]
    Lost(#[source] Option<tokio::task::JoinError>),
}

impl Incoming {
    pub(crate) fn new(store: Store, tasks: &TaskTracker, media: NewMedia) -> Self {
        // One step waits while the one before is written: the sender is held up by a slow database, not by memory.
        let (sender, receiver) = mpsc::channel(1);

        Self {
            steps: sender,
            outcome: Some(tasks.spawn(receive(store, media, receiver))),
        }
    }

    /// Waits until [`write`](Self::write) takes bytes at once. Bytes that are asked of the client only then stay in its
    /// connection meanwhile, not in memory.
    pub async fn ready(&mut self) -> Result<(), IncomingError> {
        match self.steps.reserve().await.map(drop) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.failure().await),
        }
    }

    /// Adds `bytes` to the end of the file.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), IncomingError> {
        match self.steps.send(Step::Write(bytes)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.failure().await),
        }
    }

    /// Makes the file whole and known.
    pub async fn keep(mut self) -> Result<MediaId, IncomingError> {
        if self.steps.send(Step::Keep).await.is_err() {
            return Err(self.failure().await);
        }

        self.end().await?.ok_or(IncomingError::Lost(None))
    }

    /// Why the task does not take any more.
    async fn failure(&mut self) -> IncomingError {
        match self.end().await {
            Ok(_) => IncomingError::Lost(None),
            Err(error) => error,
        }
    }

    async fn end(&mut self) -> Result<Option<MediaId>, IncomingError> {
        let outcome = self.outcome.take().ok_or(IncomingError::Lost(None))?;
        match outcome.await {
            Ok(outcome) => Ok(outcome?),
            Err(error) => Err(IncomingError::Lost(Some(error))),
        }
    }
}

/// Follows the steps to their end; `None` when it came before [`Step::Keep`].
async fn receive(
    store: Store,
    media: NewMedia,
    mut steps: mpsc::Receiver<Step>,
) -> Result<Option<MediaId>, StorageError> {
    let mut writer = store.writer(&media);
    let mut length = 0;
    let mut parts = None;
    let outcome = async {
        store.note_upload(&media).await?;
        while let Some(step) = steps.recv().await {
            match step {
                Step::Write(bytes) => {
                    length += bytes.len() as u64;
                    writer.write(bytes).await?;
                    if parts.is_none() && writer.parts().is_some() {
                        parts = writer.parts().map(str::to_owned);
                        store.note_parts(&media, parts.as_deref()).await?;
                    }
                }
                Step::Keep => {
                    writer.finish().await?;
                    return store.insert(&media, length).await.map(Some);
                }
            }
        }
        Ok(None)
    }
    .await;
    drop(writer);
    if !matches!(outcome, Ok(Some(_))) {
        store.discard(media, parts);
    }

    outcome
}
