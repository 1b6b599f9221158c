//! Events of other services, and what they mean here: posts claim files, and the files of deleted posts and people go
//! with them. Seeing an event again changes nothing.

use bus::{Failure, Message};
use events::{Event, PostCreated, PostDeleted, PostUpdated, UserDeleted};

use crate::media::MediaId;
use crate::storage::StorageError;
use crate::store::{PostFiles, Store};

pub async fn follow(store: Store, message: Message) -> Result<(), Failure> {
    let post = match message.kind() {
        PostCreated::TYPE => {
            let post = message.parse::<PostCreated>()?.data;
            files(post.post_id, post.user_id, post.version, &post.media_ids)
        }
        PostUpdated::TYPE => {
            let post = message.parse::<PostUpdated>()?.data;
            files(post.post_id, post.user_id, post.version, &post.media_ids)
        }
        PostDeleted::TYPE => {
            let post = message.parse::<PostDeleted>()?.data;
            PostFiles {
                is_deleted: true,
                ..files(post.post_id, post.user_id, post.version, &post.media_ids)
            }
        }
        UserDeleted::TYPE => {
            let user = message.parse::<UserDeleted>()?.data;
            return remove_user(&store, &user).await;
        }
        _ => return Err(message.unexpected()),
    };
    let author = store.author_of(&post.post).await;
    let author = author.map_err(|error| failure(error.into()))?;
    if author.is_some_and(|author| author != post.author) {
        let reason = format!("the post {} is somebody else's", post.post);
        return Err(Failure::Poison(reason));
    }
    let removed = store.claim(&post).await.map_err(failure)?;
    if removed > 0 {
        tracing::info!(
            post.id = %post.post,
            media.removed = removed,
            "removed the files of a deleted post"
        );
    }

    Ok(())
}

async fn remove_user(store: &Store, user: &UserDeleted) -> Result<(), Failure> {
    let removed = store.remove_user(&user.user_id).await.map_err(failure)?;
    if removed > 0 {
        tracing::info!(
            user.id = %user.user_id,
            media.removed = removed,
            "removed the files of a deleted account"
        );
    }

    Ok(())
}

/// What a post names. What is no id names no file.
fn files(post: String, author: String, version: u64, media_ids: &[String]) -> PostFiles {
    PostFiles {
        post,
        author,
        version,
        media: media_ids
            .iter()
            .filter_map(|id| MediaId::parse(id))
            .collect(),
        is_deleted: false,
    }
}

fn failure(error: StorageError) -> Failure {
    if error.is_unavailable() {
        Failure::Unavailable(Box::new(error))
    } else {
        Failure::Failed(Box::new(error))
    }
}
