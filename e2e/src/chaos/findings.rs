//! Where what is there differs from what people were told, and what was left over.

use std::collections::HashSet;
use std::fmt;

use crate::chaos::journal::{Journal, Presence, text, word_of};
use crate::chaos::truth::Truth;

/// So many of each kind are shown; more say nothing new.
const SHOWN: usize = 20;

/// Everything that is wrong, in a sentence each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What was acknowledged and is not so.
    pub lost: Vec<String>,
    /// What is there, or is found, and should not be.
    pub ghosts: Vec<String>,
    /// What was asked for once and is there more often.
    pub duplicates: Vec<String>,
    /// Files that no post shows.
    pub orphans: Vec<String>,
    /// Requests that were refused although nothing was wrong with them.
    pub refusals: Vec<String>,
}

impl Findings {
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }

    /// Compares what the authors were told of their posts with those there are.
    pub fn of_posts(journals: &[Journal], truth: &Truth) -> Self {
        let mut findings = Self::default();
        for journal in journals {
            findings.compare_journal(journal, truth);
        }
        findings.look_for_strangers(journals, truth);
        let shared = truth.shared_words();
        findings.duplicates = shared
            .map(|(word, ids)| format!("{word} was written once and is in {ids:?}"))
            .collect();

        findings
    }

    fn compare_journal(&mut self, journal: &Journal, truth: &Truth) {
        self.refusals.extend(journal.refusals.iter().cloned());
        for post in &journal.posts {
            let (id, word) = (&post.id, &post.word);
            match (post.presence, truth.post(id)) {
                (Presence::There, None) => {
                    let sentence = format!("post {id} with {word} is not there");
                    self.lost.push(sentence);
                }
                (Presence::Gone, Some(_)) => {
                    let sentence = format!("post {id} with {word} was deleted and is there");
                    self.ghosts.push(sentence);
                }
                (_, Some(found)) if !post.may_read(&found.content) => {
                    let content = &found.content;
                    let sentence = format!("post {id} reads {content:?} instead of {word}");
                    self.lost.push(sentence);
                }
                _ => {}
            }
        }
    }

    /// A post that nobody was told of has to come from a request that nobody answered.
    fn look_for_strangers(&mut self, journals: &[Journal], truth: &Truth) {
        let posts = journals.iter().flat_map(|journal| &journal.posts);
        let told: HashSet<&str> = posts.map(|post| post.id.as_str()).collect();
        let maybe = journals.iter().flat_map(|journal| &journal.maybe);
        let maybe: HashSet<&str> = maybe.map(String::as_str).collect();
        for post in truth.posts() {
            let (id, content) = (&post.id, &post.content);
            let word = word_of(content);
            let is_asked_for = maybe.contains(word) && *content == text(word);
            if !told.contains(id.as_str()) && !is_asked_for {
                let sentence = format!("post {id} reads {content:?}, which nobody wrote");
                self.ghosts.push(sentence);
            }
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lost,
            ghosts,
            duplicates,
            orphans,
            refusals,
        } = self;
        for (kind, sentences) in [
            ("lost", lost),
            ("ghosts", ghosts),
            ("duplicates", duplicates),
            ("orphans", orphans),
            ("refused", refusals),
        ] {
            for sentence in sentences.iter().take(SHOWN) {
                writeln!(formatter, "{kind}: {sentence}")?;
            }
            if sentences.len() > SHOWN {
                writeln!(formatter, "{kind}: {} in all", sentences.len())?;
            }
        }

        Ok(())
    }
}

#[cfg(test)]
mod tests;
