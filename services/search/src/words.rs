//! Words: what a query asks for, what a text is made of, and when two of them are the same.

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::stop_words::is_stop_word;

const MAX_QUERY_CHARS: usize = 200;
/// A word that is being typed is completed from this many letters on: below, nearly every post has such a word.
const MIN_PREFIX_CHARS: usize = 2;
/// A post is no longer. What is, is found by what stands before.
const MAX_TEXT_CHARS: usize = 5_000;
/// Words that begin alike for so long count as the same.
const MAX_TERM_CHARS: usize = 64;

/// The words a person looks for, the last of which they may still be typing.
///
/// They are words and nothing else: what other query languages give a meaning to is taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Folded, without stop words.
    folded: Vec<String>,
    is_last_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    #[error("the query is blank")]
    Blank,

    #[error("the query has {actual} characters, {MAX_QUERY_CHARS} are allowed")]
    TooLong { actual: usize },
}

impl Words {
    /// Nothing when there is no word in `text` that could be looked for, only symbols and stop words.
    pub fn parse(text: &str) -> Result<Option<Self>, WordsError> {
        if text.trim().is_empty() {
            return Err(WordsError::Blank);
        }
        let actual = text.chars().count();
        if actual > MAX_QUERY_CHARS {
            return Err(WordsError::TooLong { actual });
        }

        let last = words(text).last();
        let is_last_open = last
            .is_some_and(|(at, word)| at + word.len() == text.len() && !is_stop_word(&fold(word)));
        let folded: Vec<_> = words(text)
            .map(|(_, word)| fold(word))
            .filter(|word| !is_stop_word(word) && !word.is_empty())
            .collect();
        if folded.is_empty() {
            return Ok(None);
        }

        Ok(Some(Self {
            folded,
            is_last_open,
        }))
    }

    /// What a post has to have to be found, the last word's last, each once.
    pub fn terms(&self) -> Vec<String> {
        let mut terms = Vec::new();
        for word in &self.folded {
            let term = stem(word);
            terms.retain(|known| *known != term);
            terms.push(term);
        }

        terms
    }

    /// The beginning of a word, folded: the last word, when nothing comes behind it and it is long enough.
    pub fn prefix(&self) -> Option<&str> {
        let last = self.folded.last().filter(|_| self.is_last_open)?;

        (last.chars().count() >= MIN_PREFIX_CHARS).then_some(last)
    }

    /// Whether a word of a text is looked for, in full or by its beginning.
    pub fn ask_for(&self, word: &str) -> bool {
        let word = fold(word);
        self.folded.contains(&word) || self.prefix().is_some_and(|prefix| word.starts_with(prefix))
    }
}

/// The words of `text`, each with where it begins in bytes.
pub fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let start = text.as_ptr() as usize;
    text.split(|letter: char| !is_of_word(letter))
        .map(|word| word.trim_matches(['\'', '’']))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(move |word| (word.as_ptr() as usize - start, word))
}

/// What a text is found by: its words without their endings, as often as they are there, those left out that say nothing.
pub fn terms(text: &str) -> impl Iterator<Item = String> {
    let end = text.char_indices().nth(MAX_TEXT_CHARS);
    let text = end.map_or(text, |(end, _)| &text[..end]);

    words(text)
        .map(|(_, word)| fold(word))
        .filter(|word| !is_stop_word(word) && !word.is_empty())
        .map(|word| stem(&word))
}

/// The same for a word and its English endings. `word` is folded.
fn stem(word: &str) -> String {
    let stem = Stemmer::create(Algorithm::English).stem(word);

    stem.chars().take(MAX_TERM_CHARS).collect()
}

/// `word` without regard to letter case, accents and how Unicode spells it.
pub fn fold(word: &str) -> String {
    word.nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        .map(|letter| if letter == '’' { '\'' } else { letter })
        .collect()
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter) || "_'’".contains(letter)
}

#[cfg(test)]
mod tests;
