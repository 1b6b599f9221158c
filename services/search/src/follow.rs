//! Events of posts and of their authors, and what they mean for the copy.

use std::sync::Arc;

use bus::{Failure, Message};
use events::{Event, PostCreated, PostDeleted, PostUpdated, UserDeleted};

use crate::document::PostId;
use crate::engine::{Engine, EngineError, Post};

/// Neither order nor repetition matters: a post that was deleted before it was created stays deleted.
pub async fn follow(engine: Arc<dyn Engine>, message: Message) -> Result<(), Failure> {
    match message.kind() {
        PostCreated::TYPE => {
            let post = created(message.parse::<PostCreated>()?.data)?;
            engine.put(post).await.map_err(failure)
        }
        PostUpdated::TYPE => {
            let post = updated(message.parse::<PostUpdated>()?.data)?;
            engine.put(post).await.map_err(failure)
        }
        PostDeleted::TYPE => {
            let post = message.parse::<PostDeleted>()?.data;
            let id = post_id(&post.post_id)?;
            engine.remove(id, post.user_id).await.map_err(failure)
        }
        UserDeleted::TYPE => {
            let user = message.parse::<UserDeleted>()?.data;
            engine.remove_author(user.user_id).await.map_err(failure)
        }
        _ => Err(message.unexpected()),
    }
}

fn created(post: PostCreated) -> Result<Post, Failure> {
    Ok(Post {
        id: post_id(&post.post_id)?,
        user_id: post.user_id,
        content: post.content,
        created_at: post.created_at,
        updated_at: post.created_at,
        version: post.version,
    })
}

fn updated(post: PostUpdated) -> Result<Post, Failure> {
    Ok(Post {
        id: post_id(&post.post_id)?,
        user_id: post.user_id,
        content: post.content,
        created_at: post.created_at,
        updated_at: post.updated_at,
        version: post.version,
    })
}

fn post_id(text: &str) -> Result<PostId, Failure> {
    PostId::parse(text)
        .ok_or_else(|| Failure::Poison("the post's id is not 24 hex digits".to_owned()))
}

fn failure(error: EngineError) -> Failure {
    match error {
        EngineError::Away(_) => Failure::Unavailable(Box::new(error)),
        EngineError::NotTheAuthor(_) => Failure::Poison(error.to_string()),
        EngineError::Failed(_) => Failure::Failed(Box::new(error)),
    }
}
