//! Words: what a query asks for, what a text is made of, and when two of them are the same.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::stop_words::is_stop_word;

const MAX_QUERY_CHARS: usize = 200;
/// A word that is being typed is completed from this many letters on: below, nearly every post has such a word.
const MIN_PREFIX_CHARS: usize = 2;

/// The words a person looks for, the last of which they may still be typing.
///
/// They are words and nothing else: what the database's query language gives a meaning to is taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    text: String,
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

        // `$text` reads a phrase between quotation marks and an exclusion behind a minus; it splits words at a hyphen
        // anyway. A control character is never part of a word.
        let text = text.replace(
            |letter: char| letter.is_control() || "\"-\\".contains(letter),
            " ",
        );
        let last = words(&text).last();
        let is_last_open = last
            .is_some_and(|(at, word)| at + word.len() == text.len() && !is_stop_word(&fold(word)));
        let folded: Vec<_> = words(&text)
            .map(|(_, word)| fold(word))
            .filter(|word| !is_stop_word(word) && !word.is_empty())
            .collect();
        if folded.is_empty() {
            return Ok(None);
        }

        Ok(Some(Self {
            text: text.trim().to_owned(),
            folded,
            is_last_open,
        }))
    }

    pub fn as_str(&self) -> &str {
        &self.text
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

/// `word` without regard to letter case, accents and how Unicode spells it.
pub fn fold(word: &str) -> String {
    word.nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        .map(|letter| if letter == '’' { '\'' } else { letter })
        .collect()
}

/// As MongoDB's text index of version 3 splits texts.
fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter) || "_'’".contains(letter)
}

#[cfg(test)]
mod tests;
