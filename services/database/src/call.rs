//! One call to MongoDB: bounded in time, and its failure says what it was for.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::{Refused, is_unavailable};

/// One for each connection there may be: [`connect`](crate::connect) adds them.
///
/// Who is beyond that waits here and not in the line of the driver's pool. Those who gave up, because their client hung
/// up or their time was over, stay in that line, and it moves by one with each thing that happens: after a burst of them
/// it answers nobody for a long time, and while each gives up in turn, never.
pub(crate) static TURNS: Semaphore = Semaphore::const_new(0);

/// A call that is not answered by then has an unknown outcome. The driver itself gives up on finding a server earlier
/// than this; what it does not bound is a server that is found and stays silent.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// A call that failed. Whether a write among them took place is unknown.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("failed to {doing}")]
    Failed {
        doing: &'static str,
        #[source]
        source: Box<mongodb::error::Error>,
    },

    #[error("failed to {doing}: no answer within {} s", CALL_TIMEOUT.as_secs())]
    Silent { doing: &'static str },

    #[error(transparent)]
    Refused(#[from] Refused),
}

impl CallError {
    /// The caller may try again later: nothing is wrong with what was asked.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Failed { source, .. } => is_unavailable(source),
            Self::Silent { .. } => true,
            Self::Refused(refused) => refused.is_unavailable(),
        }
    }
}

/// Awaits `work`; `doing` completes the sentence "failed to …".
pub async fn call<T>(
    doing: &'static str,
    work: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<T, CallError> {
    let work = async {
        let _turn = TURNS.acquire().await;
        work.await
    };
    match tokio::time::timeout(CALL_TIMEOUT, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => Err(CallError::Failed {
            doing,
            source: Box::new(source),
        }),
        Err(_) => Err(CallError::Silent { doing }),
    }
}
