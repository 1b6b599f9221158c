//! What an author was told: of each post and each file, what is certain and what may be.

use crate::client::{Session, Upload};

/// Whether a post is there, as far as its author was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    There,
    /// Nobody answered when it was to be deleted.
    Perhaps,
    Gone,
}

/// A post that was acknowledged.
#[derive(Debug, Clone)]
pub struct Written {
    pub id: String,
    pub presence: Presence,
    /// The word of the text that was acknowledged last.
    pub word: String,
    /// Words of edits that nobody answered. Such a request may still be carried out after one that was sent later, so
    /// none of these is ever out of the question.
    pub maybe: Vec<String>,
}

/// Everything an author did and was told.
#[derive(Debug, Clone)]
pub struct Journal {
    pub author: Session,
    pub posts: Vec<Written>,
    /// Words of new posts that nobody answered: each may be there, once.
    pub maybe: Vec<String>,
    /// Every word that was ever sent.
    pub words: Vec<String>,
    pub files: Vec<Upload>,
    /// What was refused although nothing was wrong with it, in a sentence each.
    pub refusals: Vec<String>,
}

impl Journal {
    pub fn of(author: Session) -> Self {
        Self {
            author,
            posts: Vec::new(),
            maybe: Vec::new(),
            words: Vec::new(),
            files: Vec::new(),
            refusals: Vec::new(),
        }
    }
}

impl Written {
    pub fn new(id: String, word: String) -> Self {
        Self {
            id,
            presence: Presence::There,
            word,
            maybe: Vec::new(),
        }
    }

    /// Whether this can be its text.
    pub fn may_read(&self, content: &str) -> bool {
        std::iter::once(&self.word)
            .chain(&self.maybe)
            .any(|word| text(word) == content)
    }
}

/// A word that is in no other text. Search takes the last word of a query for the beginning of one, too, and with the
/// letter at the end none of these is the beginning of another.
pub fn word(seed: u64, worker: usize, number: usize) -> String {
    format!("chaos{seed}w{worker}n{number}x")
}

/// The text that is written with a word.
pub fn text(word: &str) -> String {
    format!("{word} was written while things broke")
}

/// The word a text was written with.
pub fn word_of(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_tells_its_word() {
        let word = word(7, 3, 12);

        assert_eq!(word, "chaos7w3n12x");
        assert_eq!(word_of(&text(&word)), word);
    }

    #[test]
    fn a_post_may_have_any_text_that_was_not_answered() {
        let mut post = Written::new("1".to_owned(), "new".to_owned());
        post.maybe.push("perhaps".to_owned());

        assert!(post.may_read(&text("new")) && post.may_read(&text("perhaps")));
        assert!(!post.may_read(&text("other")));
    }
}
