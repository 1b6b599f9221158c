//! The posts that are read, found and paged through: put into the databases in the services' own form.
//!
//! Through the API a million of them would take an hour.

use anyhow::{Context as _, Result};
use futures::TryStreamExt as _;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use mongodb::{Collection, Database};

use crate::stores::Stores;
use crate::words::Words;

const BATCH: u64 = 5_000;
const AUTHORS: u64 = 1_000;
const APART_MILLIS: i64 = 1_000;
/// The request that a change comes from, as long as what the gateway makes: both go into every event.
pub const REQUEST_ID: &str = "4b1f6b0e6f6c4c0e9c1d2a3b4c5d6e7f";
pub const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Posts in the databases of two services. New ones are older than those there are, so that the first page stays.
pub struct Posts {
    post: Database,
    search: Database,
    words: Words,
    newest: DateTime,
    count: u64,
}

impl Posts {
    pub fn new(stores: &Stores) -> Self {
        Self {
            post: stores.database(&stores.post),
            search: stores.database(&stores.search),
            words: Words::new(4),
            newest: DateTime::now(),
            count: 0,
        }
    }

    /// Adds posts until there are `wanted`.
    ///
    /// Meanwhile there are no indexes: made once at the end they cost a fraction. What they are the services decided;
    /// they made them when they started.
    pub async fn grow(&mut self, wanted: u64) -> Result<()> {
        let posts = self.post.collection("posts");
        let copies = self.search.collection("posts");
        let indexes = (take_indexes(&posts).await?, take_indexes(&copies).await?);
        while self.count < wanted {
            let size = BATCH.min(wanted - self.count);
            let batch: Vec<_> = (0..size).map(|_| self.next()).collect();
            let (batch, copied): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            tokio::try_join!(
                posts.insert_many(batch).into_future(),
                copies.insert_many(copied).into_future()
            )?;
        }
        tokio::try_join!(
            make_indexes(&self.post, indexes.0),
            make_indexes(&self.search, indexes.1)
        )?;

        Ok(())
    }

    /// Adds posts that the search service has not heard of, each to be announced, by nobody before `due`.
    pub async fn add_unannounced(&mut self, wanted: u64, due: DateTime) -> Result<()> {
        let posts = self.post.collection("posts");
        let pending = doc! {
            "at": DateTime::now(),
            "due": due,
            "requestId": REQUEST_ID,
            "traceparent": TRACEPARENT,
        };
        let all = self.count + wanted;
        while self.count < all {
            let size = BATCH.min(all - self.count);
            let batch = (0..size).map(|_| {
                let (mut post, _) = self.next();
                post.insert("pending", &pending);
                post
            });
            posts.insert_many(batch.collect::<Vec<_>>()).await?;
        }

        Ok(())
    }

    /// Adds posts of one author, who has no others, and their copies.
    pub async fn add_of_one(&mut self, wanted: u64) -> Result<ObjectId> {
        let author = author(AUTHORS);
        let (posts, copies) = (
            self.post.collection("posts"),
            self.search.collection("posts"),
        );
        let all = self.count + wanted;
        while self.count < all {
            let size = BATCH.min(all - self.count);
            let batch = (0..size).map(|_| {
                let (mut post, mut copy) = self.next();
                post.insert("user", author);
                copy.insert("userId", author.to_hex());
                (post, copy)
            });
            let (batch, copied): (Vec<Document>, Vec<Document>) = batch.unzip();
            tokio::try_join!(
                posts.insert_many(batch).into_future(),
                copies.insert_many(copied).into_future()
            )?;
        }

        Ok(author)
    }

    /// What the search service completes the beginning of a word from: all words of all posts there may be.
    pub async fn teach_words(&self) -> Result<()> {
        let word = |word: &String| {
            let beginnings: Vec<_> = (2..=word.len()).map(|length| &word[..length]).collect();
            let length = i32::try_from(word.len()).unwrap_or(i32::MAX);
            doc! { "_id": word, "beginnings": beginnings, "length": length }
        };
        let words: Vec<Document> = self.words.all().iter().map(word).collect();
        self.search.collection("words").insert_many(words).await?;

        Ok(())
    }

    /// Ids of `wanted` posts from all over the list.
    pub fn ids(&self, wanted: u64) -> Vec<String> {
        let step = (self.count / wanted).max(1);

        (0..self.count)
            .step_by(usize::try_from(step).unwrap_or(usize::MAX))
            .map(|number| self.id(number).to_hex())
            .collect()
    }

    pub fn words(&mut self) -> &mut Words {
        &mut self.words
    }

    /// The next post, and the search service's copy of it.
    fn next(&mut self) -> (Document, Document) {
        let number = self.count;
        self.count += 1;
        let (id, created_at) = (self.id(number), self.created_at(number));
        let author = author(number % AUTHORS);
        let content = self.words.post();
        let post = doc! {
            "_id": id,
            "user": author,
            "content": &content,
            "mediaIds": [],
            "createdAt": created_at,
            "updatedAt": created_at,
            "version": 1_i64,
        };
        let copy = doc! {
            "_id": id,
            "userId": author.to_hex(),
            "terms": search::terms(&content).collect::<Vec<_>>(),
            "content": content,
            "createdAt": created_at,
            "updatedAt": created_at,
            "version": 1_i64,
        };

        (post, copy)
    }

    fn created_at(&self, number: u64) -> DateTime {
        let age = i64::try_from(number).unwrap_or(i64::MAX / APART_MILLIS) * APART_MILLIS;

        DateTime::from_millis(self.newest.timestamp_millis() - age)
    }

    /// Ids begin with the second of their making, as MongoDB's own do.
    fn id(&self, number: u64) -> ObjectId {
        let second = self.created_at(number).timestamp_millis() / 1000;
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&u32::try_from(second).unwrap_or_default().to_be_bytes());
        bytes[4..].copy_from_slice(&number.to_be_bytes());

        ObjectId::from_bytes(bytes)
    }
}

fn author(number: u64) -> ObjectId {
    let mut bytes = [0xa5; 12];
    bytes[4..].copy_from_slice(&number.to_be_bytes());

    ObjectId::from_bytes(bytes)
}

/// Removes the indexes of a collection, and returns what it takes to make them again.
async fn take_indexes(posts: &Collection<Document>) -> Result<Vec<Document>> {
    let database = posts.client().database(&posts.namespace().db);
    let list = database.run_cursor_command(doc! { "listIndexes": posts.name() });
    let indexes: Vec<Document> = list.await?.try_collect().await?;
    let own: Vec<_> = indexes
        .into_iter()
        .filter(|index| index.get_str("name").is_ok_and(|name| name != "_id_"))
        .collect();
    anyhow::ensure!(!own.is_empty(), "{} has no indexes", posts.namespace());
    posts.drop_indexes().await?;

    Ok(own)
}

async fn make_indexes(database: &Database, indexes: Vec<Document>) -> Result<()> {
    let make = doc! { "createIndexes": "posts", "indexes": indexes };
    database
        .run_command(make)
        .await
        .map(drop)
        .context("failed to make the indexes again")
}
