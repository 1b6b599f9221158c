//! Finding posts: which are looked at, and which of them fit best.
//!
//! How long that takes does not depend on how many posts there are. Of each word the newest posts are looked at, which
//! are all of them unless it is a common word: of a hundred thousand posts that fit equally well the newest are wanted.
//! So a rare word beside common ones decides, whatever the age of its posts, and the common ones count where they are
//! found. Two common words that seldom come together are looked for further back.

use std::collections::{BTreeMap, HashMap};

use database::{CallError, call};
use futures::TryStreamExt;
use futures::future::try_join_all;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use serde::Deserialize;

use super::{SEARCH_TIMEOUT, Store, StoredPost};
use crate::document::Limit;
use crate::engine::Hit;
use crate::words::{Words, fold, terms, words};

/// So many posts of a word are looked at, the newest.
const NEWEST: usize = 1_000;
/// So many of all words together.
const LOOKED_AT: usize = 4_000;
/// So many posts with the rarest of common words are searched for the others.
const DEPTH: i64 = 10_000;
/// Read whole when the last word may be a beginning: what has the word itself goes before what only has a longer one.
const KEPT: usize = 50;
/// Added for the word itself. A post's score grows with the words that are found in it, each worth 0.5 to 1.5.
const EXACT_BONUS: f64 = 1.0;

/// What is looked for.
struct Query {
    /// Of each word, the last word's last.
    words: Vec<String>,
    /// Of what the last word may be the beginning of.
    completions: Vec<String>,
}

/// A post that has some of the terms.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(rename = "_id")]
    id: ObjectId,
    created_at: DateTime,
    /// Those that are looked for, as often as the post has them.
    terms: Vec<String>,
    /// How many terms the post has altogether.
    length: i32,
    #[serde(skip)]
    score: f64,
}

/// The newest posts that have a term, newest first.
struct List {
    posts: Vec<Candidate>,
    /// There may be older ones.
    is_full: bool,
}

impl Store {
    pub(super) async fn search(&self, asked: &Words, limit: Limit) -> Result<Vec<Hit>, CallError> {
        let limit = usize::from(limit.get());
        let query = self.query(asked).await?;
        let mut best = self.candidates(&query, limit).await?;
        let exact = asked.prefix().and(query.words.last());
        for post in &mut best {
            post.score = score(&post.terms, post.length);
            if exact.is_some_and(|word| post.terms.contains(word)) {
                post.score += EXACT_BONUS;
            }
        }
        best.sort_unstable_by(|one, other| {
            let by_time = (other.created_at, other.id).cmp(&(one.created_at, one.id));
            other.score.total_cmp(&one.score).then(by_time)
        });
        best.truncate(if exact.is_some() { KEPT } else { limit });

        let mut hits = self.read(best).await?;
        if let Some(word) = asked.prefix() {
            prefer_exact(&mut hits, word);
        }
        hits.truncate(limit);

        Ok(hits)
    }

    async fn query(&self, asked: &Words) -> Result<Query, CallError> {
        let completions = match asked.prefix() {
            Some(prefix) => self.vocabulary.complete(prefix).await?,
            None => Vec::new(),
        };
        let words = asked.terms();
        let mut completions: Vec<_> = completions.iter().flat_map(|word| terms(word)).collect();
        completions.sort_unstable();
        completions.dedup();
        completions.retain(|term| !words.contains(term));

        Ok(Query { words, completions })
    }

    /// Every post that may be among the `limit` best, once.
    async fn candidates(&self, query: &Query, limit: usize) -> Result<Vec<Candidate>, CallError> {
        let all = query.all();
        let own = query.words.iter().map(std::slice::from_ref);
        let longer = (!query.completions.is_empty()).then_some(&query.completions[..]);
        let terms: Vec<_> = own.chain(longer).collect();
        let most = NEWEST.min(LOOKED_AT / terms.len());
        let lists = terms.iter().map(|terms| {
            let posts = vec![
                doc! { "$match": { "terms": { "$in": *terms } } },
                newest_first(),
                at_most(most),
            ];
            self.list(posts, &all, most)
        });
        let lists = try_join_all(lists).await?;

        let rarest = query.rarest(&lists);
        let mut posts: HashMap<_, _> = lists
            .into_iter()
            .flat_map(|list| list.posts)
            .map(|post| (post.id, post))
            .collect();
        let together = posts.values().filter(|post| query.is_whole(&post.terms));
        if let Some(rarest) = rarest
            && together.count() < limit
        {
            let each = (0..query.words.len())
                .map(|word| doc! { "terms": { "$in": query.group(word).collect::<Vec<_>>() } });
            let further_back = vec![
                doc! { "$match": { "terms": { "$in": query.group(rarest).collect::<Vec<_>>() } } },
                newest_first(),
                doc! { "$limit": DEPTH },
                doc! { "$match": { "$and": each.collect::<Vec<_>>() } },
                at_most(NEWEST),
            ];
            let found = self.list(further_back, &all, NEWEST).await?;
            posts.extend(found.posts.into_iter().map(|post| (post.id, post)));
        }

        Ok(posts.into_values().collect())
    }

    /// What the steps `found` find, `most` at most, with those of their terms that are among `asked`.
    async fn list(
        &self,
        mut found: Vec<Document>,
        asked: &[&str],
        most: usize,
    ) -> Result<List, CallError> {
        let is_asked = doc! { "$in": ["$$this", { "$literal": asked }] };
        found.push(doc! { "$project": {
            "createdAt": 1,
            "length": { "$size": "$terms" },
            "terms": { "$filter": { "input": "$terms", "cond": is_asked } },
        } });
        let found = self
            .posts
            .aggregate(found)
            .max_time(SEARCH_TIMEOUT)
            .batch_size(u32::try_from(most).unwrap_or(u32::MAX))
            .with_type::<Candidate>();
        let posts: Vec<_> =
            call("search posts", async { found.await?.try_collect().await }).await?;

        Ok(List {
            is_full: posts.len() >= most,
            posts,
        })
    }

    /// The whole posts, in the same order, without those that have gone meanwhile.
    async fn read(&self, best: Vec<Candidate>) -> Result<Vec<Hit>, CallError> {
        if best.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = best.iter().map(|post| post.id).collect();
        let found = self
            .posts
            .find(doc! { "_id": { "$in": ids }, "deletedAt": { "$exists": false } })
            .projection(doc! { "terms": 0 })
            .max_time(SEARCH_TIMEOUT);
        let found: Vec<StoredPost> =
            call("read posts", async { found.await?.try_collect().await }).await?;
        let mut found: HashMap<_, _> = found.into_iter().map(|post| (post.id, post)).collect();
        let hits = best.into_iter().filter_map(|candidate| {
            let post = found.remove(&candidate.id)?;
            Some(post.hit(score(&candidate.terms, candidate.length)))
        });

        Ok(hits.collect())
    }
}

impl Query {
    fn all(&self) -> Vec<&str> {
        let all = self.words.iter().chain(&self.completions);

        all.map(String::as_str).collect()
    }

    /// What stands for a word.
    fn group(&self, word: usize) -> impl Iterator<Item = &str> {
        let longer = if word + 1 == self.words.len() {
            &self.completions[..]
        } else {
            &[]
        };
        let own = std::iter::once(&self.words[word]);

        own.chain(longer).map(String::as_str)
    }

    /// Whether every word is there.
    fn is_whole(&self, terms: &[String]) -> bool {
        (0..self.words.len()).all(|word| {
            self.group(word)
                .any(|term| terms.iter().any(|there| there == term))
        })
    }

    /// Which of several words the fewest posts have: that whose posts reach back the furthest. None when all posts of
    /// a word are known already.
    fn rarest(&self, lists: &[List]) -> Option<usize> {
        let reach = |list: &List| {
            list.posts
                .last()
                .filter(|_| list.is_full)
                .map(|post| post.created_at)
        };
        let last = self.words.len() - 1;
        let reaches: Option<Vec<_>> = (0..=last)
            .map(|word| {
                let own = reach(&lists[word]);
                let longer = lists.get(last + 1).filter(|_| word == last).and_then(reach);
                own.max(longer)
            })
            .collect();
        let reaches = reaches.filter(|reaches| reaches.len() > 1)?;

        (0..=last).min_by_key(|word| reaches[*word])
    }
}

fn newest_first() -> Document {
    doc! { "$sort": { "createdAt": -1, "_id": -1 } }
}

fn at_most(posts: usize) -> Document {
    doc! { "$limit": i64::try_from(posts).unwrap_or(i64::MAX) }
}

/// How well a post of `length` terms fits: more with each of `found`, with the share of it that they are, and, ever less,
/// with each that is there once more.
fn score(found: &[String], length: i32) -> f64 {
    let mut counts = BTreeMap::<_, i32>::new();
    for term in found {
        *counts.entry(term).or_default() += 1;
    }
    let mut scores: Vec<_> = counts
        .into_values()
        .map(|count| {
            let often = 2.0 - 0.5_f64.powi(count - 1);
            often * (0.5 + 0.5 * f64::from(count) / f64::from(length))
        })
        .collect();
    // Added in the order of their size: what is equal must not differ by a rounding.
    scores.sort_unstable_by(f64::total_cmp);

    scores.into_iter().sum()
}

/// Lifts what contains `word` itself. What is equal stays in its order.
fn prefer_exact(hits: &mut [Hit], word: &str) {
    for hit in hits.iter_mut() {
        if words(&hit.post.content).any(|(_, candidate)| fold(candidate) == word) {
            hit.score += EXACT_BONUS;
        }
    }
    hits.sort_by(|one, other| other.score.total_cmp(&one.score));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_fits_better_the_more_of_it_is_looked_for() {
        let score = |found: &[&str], length| {
            let found: Vec<_> = found.iter().map(|term| (*term).to_owned()).collect();
            score(&found, length)
        };
        let ordered = [
            score(&["sea"], 100),
            score(&["sea"], 20),
            score(&["sea", "sea"], 20),
            score(&["sea", "land"], 20),
            score(&["sea", "sea"], 2),
            score(&["sea", "sea", "sea"], 3),
        ];

        assert!(
            ordered.is_sorted_by(|one, other| one < other),
            "{ordered:?}"
        );
        assert_eq!(score(&["sea"], 1), 1.0);
        assert_eq!(
            score(&["sea", "sea", "land"], 4),
            score(&["land", "sea", "land"], 4)
        );
    }
}
