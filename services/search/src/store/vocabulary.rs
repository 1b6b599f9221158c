//! Every word of the posts, to complete the one that is being typed.
//!
//! The index of posts only knows whole words. So the words themselves are kept, each with its beginnings, and a
//! beginning is looked up in an index: a few entries are read, however many words there are.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use database::{CallError, call};
use futures::TryStreamExt;
use mongodb::bson::doc;
use mongodb::error::{Error, ErrorKind};
use mongodb::{Collection, Database};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use super::indexes::index;
use crate::stop_words::is_stop_word;
use crate::words::{fold, words};

/// Beginnings of these lengths are kept; longer ones are looked up by their first letters.
const BEGINNINGS: std::ops::RangeInclusive<usize> = 2..=10;
/// Longer ones are addresses and the like, and nobody types them to search.
const MAX_WORD_CHARS: usize = 40;
/// A beginning stands for so many words at most, the shortest: they are what is missing the fewest letters.
const COMPLETIONS: i64 = 16;
/// Words that are learned in one call; a post of the longest has 2,500.
const AT_ONCE: usize = 1000;
/// Words that are remembered as kept, the most frequent: some 40 bytes each.
const KNOWN: usize = 100_000;
const DUPLICATE_KEY: i32 = 11000;

#[derive(Clone)]
pub(super) struct Vocabulary {
    words: Collection<Word>,
    /// Hashes of words that need not be kept, or are kept for certain: none is taken out but by who restores a database,
    /// and starts this service anew.
    known: Arc<Cache<u64, ()>>,
    /// Nobody else knows which words have the same hash.
    hasher: RandomState,
}

/// A word stays when the last post with it goes; then it completes a beginning and finds nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Word {
    /// In lower case, accents kept.
    #[serde(rename = "_id")]
    word: String,
    /// Folded.
    beginnings: Vec<String>,
    length: i32,
}

#[derive(Debug, Deserialize)]
struct Known {
    #[serde(rename = "_id")]
    word: String,
}

impl Vocabulary {
    pub(super) fn new(database: &Database) -> Self {
        Self {
            words: database.collection("words"),
            known: Arc::new(Cache::new(KNOWN)),
            hasher: RandomState::new(),
        }
    }

    pub(super) async fn create_index(&self) -> Result<(), CallError> {
        let beginnings = index(doc! { "beginnings": 1, "length": 1 });
        call(
            "create the index of words",
            self.words.create_index(beginnings),
        )
        .await?;

        Ok(())
    }

    /// Keeps the words of `texts` that are new.
    pub(super) async fn learn(&self, texts: impl Iterator<Item = &str>) -> Result<(), CallError> {
        let new: BTreeSet<_> = texts
            .flat_map(words)
            .map(|(_, word)| word.to_lowercase())
            .filter(|word| self.known.get(&self.hasher.hash_one(word)).is_none())
            .collect();
        let new: Vec<_> = new.into_iter().collect();
        for some in new.chunks(AT_ONCE) {
            let words: Vec<_> = some.iter().filter_map(|word| Word::new(word)).collect();
            if !words.is_empty() {
                self.keep(&words).await?;
            }
            for word in some {
                self.known.insert(self.hasher.hash_one(word), ());
            }
        }

        Ok(())
    }

    async fn keep(&self, some: &[Word]) -> Result<(), CallError> {
        // Inserting a word that is there costs the database more than looking for it.
        let names: Vec<_> = some.iter().map(|word| word.word.as_str()).collect();
        let words = self.words.clone_with_type::<Known>();
        let known = words
            .find(doc! { "_id": { "$in": names } })
            .projection(doc! { "_id": 1 });
        let known = async { known.await?.try_collect::<Vec<_>>().await };
        let known = call("look for words", known).await?;
        let known: BTreeSet<_> = known.iter().map(|known| known.word.as_str()).collect();
        let new: Vec<_> = some
            .iter()
            .filter(|word| !known.contains(word.word.as_str()))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        match call("learn words", self.words.insert_many(new).ordered(false)).await {
            // Somebody else learned them at this moment.
            Err(CallError::Failed { source, .. }) if were_known(&source) => Ok(()),
            learned => learned.map(drop),
        }
    }

    /// Words that begin with `prefix`, which is folded.
    pub(super) async fn complete(&self, prefix: &str) -> Result<Vec<String>, CallError> {
        let kept: String = prefix.chars().take(*BEGINNINGS.end()).collect();
        let find = self
            .words
            .find(doc! { "beginnings": kept })
            .sort(doc! { "length": 1 })
            .limit(COMPLETIONS);
        let found = async { find.await?.try_collect::<Vec<_>>().await };

        Ok(call("complete a word", found)
            .await?
            .into_iter()
            .map(|word| word.word)
            .filter(|word| fold(word).starts_with(prefix))
            .collect())
    }
}

impl Word {
    fn new(word: &str) -> Option<Self> {
        let folded = fold(word);
        let letters: Vec<_> = folded.chars().collect();
        if letters.len() > MAX_WORD_CHARS || is_stop_word(&folded) {
            return None;
        }
        let beginnings: Vec<String> = BEGINNINGS
            .take_while(|length| *length <= letters.len())
            .map(|length| letters[..length].iter().collect())
            .collect();

        (!beginnings.is_empty()).then(|| Self {
            word: word.to_owned(),
            beginnings,
            length: i32::try_from(letters.len()).unwrap_or(i32::MAX),
        })
    }
}

/// Whether inserting failed for nothing but words that were there.
fn were_known(error: &Error) -> bool {
    match &*error.kind {
        ErrorKind::InsertMany(failure) => {
            failure.write_concern_error.is_none()
                && failure
                    .write_errors
                    .iter()
                    .flatten()
                    .all(|error| error.code == DUPLICATE_KEY)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beginnings(word: &str) -> Vec<String> {
        let word = Word::new(word);
        word.map(|word| word.beginnings).unwrap_or_default()
    }

    #[test]
    fn a_word_is_known_by_its_beginnings() {
        assert_eq!(beginnings("café"), ["ca", "caf", "cafe"]);
        assert_eq!(
            beginnings("constantinople").last().map(String::as_str),
            Some("constantin")
        );
    }

    #[test]
    fn what_nobody_types_is_not_kept() {
        for word in ["a", "the", "don’t", &"x".repeat(41)] {
            assert!(beginnings(word).is_empty(), "{word}");
        }
    }
}
