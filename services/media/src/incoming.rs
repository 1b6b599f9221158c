//! A file on its way into the store.

use bytes::Bytes;
use mongodb::bson::oid::ObjectId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::media::MediaId;
use crate::media_type::MediaType;
use crate::store::Store;
use database::CallError;

/// The sending half of an upload. Dropped before [`keep`](Self::keep), it leaves nothing behind.
///
/// The writing is done by a task of its own, because a request may end at any moment: a client hangs up, a timeout
/// strikes. Cut off in the middle of a write, nobody could tell whether a chunk appears after everything else was
/// deleted. The task is never cut off: it ends the write, then deletes.
#[derive(Debug)]
pub struct Incoming {
    steps: mpsc::Sender<Step>,
    /// Taken when the task has ended.
    outcome: Option<JoinHandle<Result<Option<MediaId>, CallError>>>,
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
    Call(#[from] CallError),

    #[error("failed to store an upload: its task ended too early")]
    Lost(#[source] Option<tokio::task::JoinError>),
}

impl Incoming {
    pub(crate) fn new(
        store: Store,
        tasks: &TaskTracker,
        owner: String,
        media_type: MediaType,
    ) -> Self {
        // One step waits while the one before is written: the sender is held up by a slow database, not by memory.
        let (sender, receiver) = mpsc::channel(1);

        Self {
            steps: sender,
            outcome: Some(tasks.spawn(receive(store, owner, media_type, receiver))),
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
    owner: String,
    media_type: MediaType,
    mut steps: mpsc::Receiver<Step>,
) -> Result<Option<MediaId>, CallError> {
    let id = ObjectId::new();
    let mut writer = store.writer(id, media_type);
    let outcome = async {
        while let Some(step) = steps.recv().await {
            match step {
                Step::Write(bytes) => writer.write(&bytes).await?,
                Step::Keep => {
                    writer.finish().await?;
                    return store.insert(id, owner, media_type, &writer).await.map(Some);
                }
            }
        }
        Ok(None)
    }
    .await;
    if !matches!(outcome, Ok(Some(_))) && writer.has_stored() {
        store.discard(id, writer.id());
    }

    outcome
}
