//! What keeps posts findable.
//!
//! An index in MongoDB is the engine there is ([`Store`](crate::store::Store)); another one takes its place behind the
//! same promises.

use std::error::Error;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::document::{Limit, PostId};
use crate::words::Words;

/// What the engine is asked for, answered later.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, EngineError>>;

/// A searchable copy of posts. Neither order nor repetition of what it is told matters.
pub trait Engine: Send + Sync {
    /// Makes what it needs, before anything else is asked of it. Repeating it changes nothing.
    fn prepare(&self) -> Answer<'_, ()>;

    /// Makes a post findable, unless a newer version is known, or its end or its author's.
    fn put(&self, post: Post) -> Answer<'_, ()>;

    /// Forgets a post of an author for good, known or not.
    fn remove(&self, id: PostId, user_id: String) -> Answer<'_, ()>;

    /// Forgets all posts of an author for good, those among them that it is told of later.
    fn remove_author(&self, user_id: String) -> Answer<'_, ()>;

    /// Forgets posts that were last put before `before`, and says how many there were.
    fn drop_unseen(&self, before: Timestamp) -> Answer<'_, u64>;

    /// Best first; posts that fit equally well newest first. Of words that very many posts have, the newest count.
    fn find<'a>(&'a self, words: &'a Words, limit: Limit) -> Answer<'a, Vec<Hit>>;
}

/// A post, as it is at `version`.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    pub id: PostId,
    /// The author.
    pub user_id: String,
    pub content: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: u64,
}

/// A post that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub post: Post,
    /// How well it fits; comparable within one answer only.
    pub score: f64,
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine or what it depends on is away; nothing is wrong with what was asked.
    #[error("the search engine is away")]
    Away(#[source] Box<dyn Error + Send + Sync>),

    #[error("the post {0} is somebody else's")]
    NotTheAuthor(String),

    #[error("the search engine failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}
