//! What the post service has, and how much of it the services that follow it know.

use anyhow::Result;
use mongodb::Collection;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};

use crate::stores::Stores;
use crate::wait::until;

/// The posts in the databases of three services.
pub struct Copies {
    posts: Collection<Document>,
    copies: Collection<Document>,
    /// What the media service has heard of posts.
    notes: Collection<Document>,
}

impl Copies {
    pub fn new(stores: &Stores) -> Self {
        Self {
            posts: stores.database(&stores.post).collection("posts"),
            copies: stores.database(&stores.search).collection("posts"),
            notes: stores.database(&stores.media).collection("posts"),
        }
    }

    /// Waits until every post is announced, and copied.
    ///
    /// Nothing is deleted here, so as many copies as posts are a copy of each. Both collections know their number: asking
    /// for it costs next to nothing.
    pub async fn complete(&self) -> Result<()> {
        self.announced().await?;
        until("search has a copy of every post", async || {
            let copies = self.copies.estimated_document_count().await?;
            Ok(copies == self.count().await?)
        })
        .await
    }

    /// Waits until no change is left to be announced.
    pub async fn announced(&self) -> Result<()> {
        until("every change of a post is announced", async || {
            Ok(self.posts.find_one(is_pending()).await?.is_none())
        })
        .await
    }

    /// How many posts there are.
    pub async fn count(&self) -> Result<u64> {
        Ok(self.posts.estimated_document_count().await?)
    }

    /// Of how many posts the media service has heard.
    pub async fn noted(&self) -> Result<u64> {
        Ok(self.notes.estimated_document_count().await?)
    }

    /// Waits until no post of `author` is left, in either service.
    pub async fn gone(&self, author: ObjectId) -> Result<()> {
        let name = author.to_hex();
        let (posts, copies) = (doc! { "user": author }, doc! { "userId": name });
        until("no post of a deleted account is left", async || {
            let post = self.posts.find_one(posts.clone());
            let copy = self.copies.find_one(copies.clone());
            Ok(post.await?.is_none() && copy.await?.is_none())
        })
        .await
    }

    /// How many changes are to be announced.
    pub async fn pending(&self) -> Result<u64> {
        Ok(self.posts.count_documents(is_pending()).await?)
    }

    /// Has every process of the post service announce what is to be announced.
    pub async fn make_due(&self) -> Result<()> {
        let due = doc! { "$set": { "pending.due": DateTime::now() } };
        self.posts.update_many(is_pending(), due).await?;

        Ok(())
    }
}

/// As the post service asks for them: by the index of its outbox.
fn is_pending() -> Document {
    doc! { "pending.at": { "$exists": true } }
}
