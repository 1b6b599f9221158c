//! Events of other services, and what they mean here: the files of a deleted post go with it.

use bus::{Failure, Message};
use events::PostDeleted;

use crate::media::MediaId;
use crate::store::Store;
use database::CallError;

/// Removes the files a deleted post named, as far as they belong to its author: the event is believed about posts,
/// not about other people's files. Seeing the same event again finds nothing left to remove.
pub async fn follow(store: Store, message: Message) -> Result<(), Failure> {
    let post = message.parse::<PostDeleted>()?.data;
    // What is no id names no file.
    let ids: Vec<_> = post
        .media_ids
        .iter()
        .filter_map(|id| MediaId::parse(id))
        .collect();
    let removed = store
        .remove_of(&post.user_id, &ids)
        .await
        .map_err(failure)?;
    if removed > 0 {
        tracing::info!(
            post.id = %post.post_id,
            media.removed = removed,
            "removed the files of a deleted post"
        );
    }

    Ok(())
}

fn failure(error: CallError) -> Failure {
    if error.is_unavailable() {
        Failure::Unavailable(Box::new(error))
    } else {
        Failure::Failed(Box::new(error))
    }
}
