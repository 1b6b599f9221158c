//! Events of other services, and what they mean here: the posts of a deleted account go with it.

use bus::{Failure, Message, PublishError, Publisher};
use database::CallError;
use events::{Envelope, UserDeleted};
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::announce;
use crate::cache::Pages;
use crate::post::Id;
use crate::store::{Store, Stored};

/// What following needs.
#[derive(Clone)]
pub struct Follower {
    pub store: Store,
    pub pages: Pages,
    pub publisher: Publisher,
}

impl Follower {
    /// Removes the posts of a deleted account, batch by batch: each is hidden first, then announced as deleted, and
    /// removed once the broker has confirmed that. Whatever comes between, the next delivery of the event goes on with
    /// the batch that was left; so every post is announced at least once and nobody sees one that was.
    pub async fn follow(self, message: Message) -> Result<(), Failure> {
        let user = message.parse::<UserDeleted>()?.data.user_id;
        let Some(user) = Id::parse(&user) else {
            return Err(Failure::Poison(format!("{user} is no account")));
        };
        self.store.mark_gone(user).await.map_err(unanswered)?;

        let mut removed = 0;
        loop {
            let hidden = self.store.hide_some(user).await;
            self.pages.changed().await;
            let hidden = hidden.map_err(unanswered)?;
            if hidden.is_empty() {
                break;
            }
            let announced = hidden.iter().map(|stored| self.announce(stored, &message));
            try_join_all(announced).await.map_err(unpublished)?;
            self.store.remove(&hidden).await.map_err(unanswered)?;
            removed += hidden.len();
        }
        tracing::info!(user.id = %user, post.removed = removed, "removed the posts of a deleted account");

        Ok(())
    }

    async fn announce(&self, hidden: &Stored, cause: &Message) -> Result<(), PublishError> {
        let event = announce::deleted(&hidden.post, hidden.version);
        let envelope = Envelope::new(event, Timestamp::now(), cause.origin().clone());

        self.publisher.publish(&envelope).await
    }
}

fn unanswered(error: CallError) -> Failure {
    if error.is_unavailable() {
        Failure::Unavailable(Box::new(error))
    } else {
        Failure::Failed(Box::new(error))
    }
}

fn unpublished(error: PublishError) -> Failure {
    match error {
        PublishError::Unwritable(_) => Failure::Failed(Box::new(error)),
        error => Failure::Unavailable(Box::new(error)),
    }
}
