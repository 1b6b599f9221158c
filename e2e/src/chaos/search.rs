//! Comparing what search finds with the posts there are.

use std::collections::HashSet;

use anyhow::Result;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::chaos::AT_ONCE;
use crate::chaos::findings::Findings;
use crate::chaos::journal::Journal;
use crate::chaos::truth::Truth;
use crate::client::{Hit, PublicApi};

impl Findings {
    /// Asks search for every word that was ever sent. It has to find the posts that have the word, and no others.
    pub async fn add_search(
        &mut self,
        api: &PublicApi,
        journals: &[Journal],
        truth: &Truth,
    ) -> Result<()> {
        let words = journals.iter().flat_map(|journal| {
            let token = journal.author.tokens.access_token.as_str();
            journal.words.iter().map(move |word| (token, word.as_str()))
        });
        let mut found = stream::iter(words)
            .map(|(token, word)| find(api, token, word))
            .buffer_unordered(AT_ONCE);
        while let Some((word, found)) = found.try_next().await? {
            self.compare_hits(word, &found, &truth.ids_with(word));
        }

        Ok(())
    }

    fn compare_hits(&mut self, word: &str, found: &HashSet<String>, wanted: &HashSet<String>) {
        for id in wanted.difference(found) {
            self.lost
                .push(format!("search does not find post {id} by {word}"));
        }
        for id in found.difference(wanted) {
            self.ghosts
                .push(format!("search finds post {id} by {word}"));
        }
    }
}

/// The posts that are found by a word.
async fn find<'a>(
    api: &PublicApi,
    token: &str,
    word: &'a str,
) -> Result<(&'a str, HashSet<String>)> {
    let hits: Vec<Hit> = api.search(token, word).await?.expect(200)?.json()?;
    let ids = hits.into_iter().map(|hit| hit.post_id).collect();

    Ok((word, ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_has_to_find_what_there_is_and_nothing_else() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let mut findings = Findings::default();
        findings.compare_hits("word", &ids(&["1"]), &ids(&["1"]));
        assert!(findings.is_clean());

        findings.compare_hits("word", &ids(&["2"]), &ids(&["1"]));
        assert_eq!(findings.lost, ["search does not find post 1 by word"]);
        assert_eq!(findings.ghosts, ["search finds post 2 by word"]);
    }
}
