//! Events of other services, and what they mean here: the posts of a deleted account go with it.

use bus::{Failure, Message};
use database::CallError;
use events::UserDeleted;

use crate::cache::Pages;
use crate::post::Id;
use crate::relay::Relay;
use crate::store::Store;

/// What following needs.
#[derive(Clone)]
pub struct Follower {
    pub store: Store,
    pub pages: Pages,
    pub relay: Relay,
}

impl Follower {
    /// Deletes the posts of a deleted account, batch by batch, as their author would; the relay does the rest. Whatever
    /// comes between, the next delivery of the event goes on with what was left.
    pub async fn follow(self, message: Message) -> Result<(), Failure> {
        let user = message.parse::<UserDeleted>()?.data.user_id;
        let Some(user) = Id::parse(&user) else {
            return Err(Failure::Poison(format!("{user} is no account")));
        };
        self.store.mark_gone(user).await.map_err(unanswered)?;

        let mut deleted = 0;
        loop {
            let some = self.store.delete_some(user, message.origin().clone()).await;
            self.pages.changed().await;
            let some = some.map_err(unanswered)?;
            if some == 0 {
                break;
            }
            self.relay.look();
            deleted += some;
        }
        tracing::info!(user.id = %user, post.deleted = deleted, "deleted the posts of a deleted account");

        Ok(())
    }
}

fn unanswered(error: CallError) -> Failure {
    if error.is_unavailable() {
        Failure::Unavailable(Box::new(error))
    } else {
        Failure::Failed(Box::new(error))
    }
}
