//! The posts there are, which everything else has to agree with.

use std::collections::{HashMap, HashSet};

use anyhow::Result;

use crate::chaos::journal::{Journal, word_of};
use crate::client::{Page, Post, PublicApi};

/// Every post of the authors, as their lists show them.
#[derive(Debug, Default)]
pub struct Truth {
    posts: HashMap<String, Post>,
    ids_by_word: HashMap<String, HashSet<String>>,
}

impl Truth {
    /// Reads the list of every author to its end.
    pub async fn read(api: &PublicApi, journals: &[Journal]) -> Result<Self> {
        let mut posts = Vec::new();
        for Journal { author, .. } in journals {
            let token = &author.tokens.access_token;
            let mut cursor = None;
            loop {
                let page = api.posts_of(token, &author.user_id, cursor.as_deref());
                let page: Page = page.await?.expect(200)?.json()?;
                posts.extend(page.posts);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
        }

        Ok(Self::of(posts))
    }

    pub fn of(posts: Vec<Post>) -> Self {
        let mut truth = Self::default();
        for post in posts {
            let word = word_of(&post.content).to_owned();
            let ids = truth.ids_by_word.entry(word).or_default();
            ids.insert(post.id.clone());
            truth.posts.insert(post.id.clone(), post);
        }

        truth
    }

    pub fn posts(&self) -> impl Iterator<Item = &Post> {
        self.posts.values()
    }

    pub fn post(&self, id: &str) -> Option<&Post> {
        self.posts.get(id)
    }

    /// The posts whose text has this word.
    pub fn ids_with(&self, word: &str) -> HashSet<String> {
        self.ids_by_word.get(word).cloned().unwrap_or_default()
    }

    /// Each word that is in several posts, and which.
    pub fn shared_words(&self) -> impl Iterator<Item = (&String, &HashSet<String>)> {
        self.ids_by_word.iter().filter(|(_, ids)| ids.len() > 1)
    }

    /// The files that a post shows.
    pub fn shown_files(&self) -> HashSet<&str> {
        self.posts()
            .flat_map(|post| &post.media_ids)
            .map(String::as_str)
            .collect()
    }
}
