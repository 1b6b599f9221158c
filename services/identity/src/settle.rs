//! Finishing what a request has decided about an account: that its sessions end, or that it goes for good.
//!
//! The request writes its decision in one conditional write, marked as unsettled, and that is what counts from then on.
//! The rest is done here, by any process, and done again after a failure until it has succeeded: each step may be
//! repeated. An account that goes is announced before it is removed, so nobody is left with what belonged to it.

use std::sync::Arc;
use std::time::Duration;

use bus::{PublishError, Publisher};
use events::{Envelope, Event, UserDeleted};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use redis_kit::sessions::KEPT_SECONDS;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::announce::Announcer;
use crate::store::{self, Deletion, Store, Unsettled};

const PERIOD: Duration = Duration::from_secs(2);
const BATCH: i64 = 100;
const AT_ONCE: usize = 16;
/// A session is kept for longer than its end matters, so that it can be told again.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Wakes the settling, so that nobody has to wait for its period.
#[derive(Clone, Default)]
pub struct Settler(Arc<Notify>);

/// What settles.
pub struct Settling {
    pub store: Store,
    pub publisher: Publisher,
    pub announcer: Announcer,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),

    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl Settler {
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

impl Settling {
    /// Settles until `shutdown`.
    pub async fn run(self, settler: Settler, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = settler.0.notified() => {}
                () = tokio::time::sleep(PERIOD) => {}
                () = shutdown.cancelled() => {}
            }
            let unsettled = match self.store.unsettled(BATCH).await {
                Ok(unsettled) => unsettled,
                Err(error) => {
                    tracing::debug!(%error, "failed to look for unsettled accounts");
                    continue;
                }
            };
            futures::stream::iter(unsettled)
                .for_each_concurrent(AT_ONCE, async |user| self.settle_or_say(&user).await)
                .await;
        }
    }

    async fn settle_or_say(&self, user: &Unsettled) {
        match self.settle(user).await {
            Ok(()) => {}
            // Waiting for a connection is normal, and `bus` says once that there is none.
            Err(Error::Publish(error @ PublishError::NotSent)) => {
                tracing::debug!(%error, user.id = %user.id, "the removal of an account waits");
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                user.id = %user.id,
                "failed to settle an account, trying again"
            ),
        }
    }

    async fn settle(&self, user: &Unsettled) -> Result<(), Error> {
        let now = Timestamp::now();
        if self.store.revoke_unwanted(user, now).await? > 0 {
            self.announcer.wake();
        }
        let Some(deletion) = &user.deletion else {
            return Ok(self.store.settled(user).await?);
        };

        self.publisher.publish(&envelope(user, deletion)).await?;
        let matters = SignedDuration::from_secs(KEPT_SECONDS.into());
        let forgotten = now.saturating_add(matters + MARGIN);
        let forgotten = forgotten.unwrap_or(Timestamp::MAX);
        self.store.expire_sessions(user.id, forgotten).await?;
        self.store.remove_user(user.id).await?;
        tracing::info!(user.id = %user.id, "removed an account");

        Ok(())
    }
}

fn envelope(user: &Unsettled, deletion: &Deletion) -> Envelope<UserDeleted> {
    Envelope {
        id: deletion.event_id,
        kind: UserDeleted::TYPE.to_owned(),
        occurred_at: deletion.at,
        origin: deletion.origin.clone(),
        data: UserDeleted {
            user_id: user.id.to_string(),
        },
    }
}
