//! What a person did, as far as the answers told.

use jiff::Timestamp;

/// What a post says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// A word that no other text has.
    pub word: String,
    pub content: String,
    pub files: Vec<String>,
}

/// A post, sent once or more under one key.
#[derive(Debug)]
pub struct Written {
    pub key: String,
    pub draft: Text,
    /// Once an answer told it.
    pub told: Option<Told>,
    /// What the post may be: what it was last known to be, and what it became if a request that nobody answered took
    /// place. Nothing if it may not be there.
    may_be: Vec<Option<Text>>,
    /// Every text that was sent for it.
    pub texts: Vec<Text>,
    /// The files that go with the post, once that is for certain.
    pub gone_files: Vec<String>,
}

/// What an answer told of a new post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub id: String,
    pub created_at: Timestamp,
}

impl Text {
    /// The `number`th text.
    pub fn new(number: usize, files: Vec<String>) -> Self {
        let word = format!("word{number:04}");

        Self {
            content: format!("says {word}"),
            word,
            files,
        }
    }
}

impl Written {
    pub fn new(draft: Text, key: String) -> Self {
        Self {
            key,
            told: None,
            may_be: vec![None, Some(draft.clone())],
            texts: vec![draft.clone()],
            gone_files: Vec::new(),
            draft,
        }
    }

    /// A request was answered that wrote it.
    pub fn created(&mut self, told: Told) {
        match &self.told {
            Some(known) => assert_eq!(told, *known, "one request wrote two posts"),
            None => {
                self.may_be = vec![Some(self.draft.clone())];
                self.told = Some(told);
            }
        }
    }

    pub fn edited(&mut self, text: Text) {
        self.may_be = vec![Some(text)];
    }

    pub fn deleted(&mut self) {
        if let [Some(text)] = &self.may_be[..] {
            self.gone_files.clone_from(&text.files);
        }
        self.may_be = vec![None];
    }

    /// A request was not answered.
    pub fn may_be(&mut self, state: Option<Text>) {
        self.may_be.push(state);
    }

    /// An answer told that it is not there.
    pub fn is_not_there(&mut self) {
        self.may_be.retain(Option::is_none);
        assert!(!self.may_be.is_empty(), "lost: {self:?}");
    }

    /// Whether this is what answers told.
    pub fn fits(&self, content: Option<&str>) -> bool {
        let contents = |state: &Option<Text>| match state {
            Some(text) => Some(text.content.as_str()) == content,
            None => content.is_none(),
        };

        self.may_be.iter().any(contents)
    }
}
