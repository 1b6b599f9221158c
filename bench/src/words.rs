//! Made-up posts: words as frequent as in a language, by Zipf's law.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

const VOCABULARY: usize = 50_000;
const WORDS_PER_POST: usize = 20;
const SYLLABLES: [&str; 37] = [
    "ba", "do", "fu", "ga", "hu", "ka", "ko", "lo", "ma", "mo", "na", "nu", "pa", "po", "ra", "ro",
    "ru", "sa", "so", "ta", "to", "va", "vo", "wa", "za", "zo", "bal", "dor", "fal", "gor", "kal",
    "lam", "mol", "nar", "pol", "tan", "zar",
];

/// A source of posts. The same seed gives the same posts.
pub struct Words {
    words: Vec<String>,
    /// The chance of each word or one before it.
    cumulative: Vec<f64>,
    random: StdRng,
}

/// How many posts a word is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// About one post in 10,000.
    Rare,
    /// About three in 100.
    Middle,
    /// About half of them.
    Common,
}

impl Words {
    pub fn new(seed: u64) -> Self {
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = (1..=VOCABULARY)
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        cumulative.iter_mut().for_each(|chance| *chance /= sum);

        Self {
            words: (0..VOCABULARY).map(word).collect(),
            cumulative,
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// The text of a post.
    pub fn post(&mut self) -> String {
        let ranks: Vec<_> = (0..WORDS_PER_POST).map(|_| self.draw()).collect();
        let words: Vec<_> = ranks
            .iter()
            .map(|&rank| self.words[rank].as_str())
            .collect();

        words.join(" ")
    }

    /// The whole vocabulary.
    pub fn all(&self) -> &[String] {
        &self.words
    }

    /// `count` words of this frequency, some of them more than once.
    pub fn of(&mut self, frequency: Frequency, count: usize) -> Vec<&str> {
        let ranks = match frequency {
            Frequency::Rare => 15_000..25_000,
            Frequency::Middle => 50..70,
            Frequency::Common => 2..4,
        };
        let words = &self.words[ranks];

        (0..count)
            .filter_map(|_| words.choose(&mut self.random).map(String::as_str))
            .collect()
    }

    /// The rank of a word, the more frequent the likelier.
    fn draw(&mut self) -> usize {
        let chance: f64 = self.random.random();
        let rank = self.cumulative.partition_point(|sum| *sum < chance);

        rank.min(VOCABULARY - 1)
    }
}

/// The word of a rank: its three digits in a number system of syllables, so that it is a word of no language.
fn word(rank: usize) -> String {
    let base = SYLLABLES.len();

    [rank % base, rank / base % base, rank / base / base]
        .map(|digit| SYLLABLES[digit])
        .concat()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_posts() {
        assert_eq!(Words::new(1).post(), Words::new(1).post());
        assert_ne!(Words::new(1).post(), Words::new(2).post());
    }

    #[test]
    fn words_are_as_frequent_as_they_are_called() {
        let mut words = Words::new(7);
        let posts: Vec<HashSet<String>> = (0..5000)
            .map(|_| words.post().split(' ').map(str::to_owned).collect())
            .collect();
        let mut share = |frequency| {
            let word = words.of(frequency, 1)[0].to_owned();
            posts.iter().filter(|post| post.contains(&word)).count() as f64 / 5000.0
        };

        assert!((0.3..0.6).contains(&share(Frequency::Common)));
        assert!((0.015..0.05).contains(&share(Frequency::Middle)));
        assert!(share(Frequency::Rare) < 0.001);
    }
}
