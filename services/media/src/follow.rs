//! Events of other services, and what they mean here: posts claim files, and the files of deleted posts and people go
//! with them. Seeing an event again changes nothing.

use bus::{Failure, Message};
use events::{Event, PostCreated, PostDeleted, PostUpdated, UserDeleted};

use crate::media::MediaId;
use crate::store::{ClaimError, PostFiles, Store};

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
    let id = post.post.clone();
    let removed = store.claim(post).await.map_err(failure)?;
    if removed > 0 {
        tracing::info!(
            post.id = %id,
            media.removed = removed,
            "removed the files of a deleted post"
        );
    }

    Ok(())
}

async fn remove_user(store: &Store, user: &UserDeleted) -> Result<(), Failure> {
    let removed = store.remove_user(&user.user_id).await;
    let removed = removed.map_err(|error| failure(error.into()))?;
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

fn failure(error: ClaimError) -> Failure {
    match error {
        ClaimError::NotTheAuthor(_) => Failure::Poison(error.to_string()),
        error if error.is_unavailable() => Failure::Unavailable(Box::new(error)),
        error => Failure::Failed(Box::new(error)),
    }
}
