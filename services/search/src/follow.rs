//! Events of posts, and what they mean for the copy.

use bus::{Failure, Message};
use events::{Event, PostCreated, PostDeleted, PostUpdated};

use crate::document::PostId;
use database::CallError;

use crate::store::Store;

/// Neither order nor repetition matters: a post that was deleted before it was created stays deleted.
pub async fn follow(store: Store, message: Message) -> Result<(), Failure> {
    match message.kind() {
        PostCreated::TYPE => {
            let post = message.parse::<PostCreated>()?.data;
            let id = post_id(&post.post_id)?;
            store.add(id, post).await.map_err(failure)
        }
        PostUpdated::TYPE => {
            let post = message.parse::<PostUpdated>()?.data;
            let id = post_id(&post.post_id)?;
            store.change(id, post).await.map_err(failure)
        }
        PostDeleted::TYPE => {
            let post = message.parse::<PostDeleted>()?.data;
            let id = post_id(&post.post_id)?;
            store.remove(id).await.map_err(failure)
        }
        _ => Err(message.unexpected()),
    }
}

fn post_id(text: &str) -> Result<PostId, Failure> {
    PostId::parse(text)
        .ok_or_else(|| Failure::Poison("the post's id is not 24 hex digits".to_owned()))
}

fn failure(error: CallError) -> Failure {
    if error.is_unavailable() {
        Failure::Unavailable(Box::new(error))
    } else {
        Failure::Failed(Box::new(error))
    }
}
