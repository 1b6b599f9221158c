//! The part of a post that shows why it was found.

use crate::words::{Words, words};

const MAX_CHARS: usize = 160;
/// So much of what comes before the word that was looked for is shown.
const BEFORE_CHARS: usize = 40;

/// One line of plain text from `content`, around the first word that `asked` asks for.
///
/// It can be shown anywhere: nothing in it is a control character, turns the direction of text, or could be read as
/// markup, by whoever forgets that it is plain text too.
pub fn highlight(content: &str, asked: &Words) -> String {
    let line = one_line(content);
    let found = words(&line).find(|(_, word)| asked.ask_for(word));
    let found = found.map_or(0, |(at, _)| line[..at].chars().count());
    let letters: Vec<char> = line.chars().collect();
    if letters.len() <= MAX_CHARS {
        return line;
    }

    let start = found.saturating_sub(BEFORE_CHARS);
    let start = start.min(letters.len() - MAX_CHARS);
    let end = start + MAX_CHARS;
    let start = after_space(&letters[..found.max(start)], start);
    let end = before_space(&letters, found, end);
    let middle: String = letters[start..end].iter().collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if end < letters.len() { "…" } else { "" };

    format!("{before}{}{after}", middle.trim())
}

/// Where the first whole word from `at` on begins; `at` itself when there is none.
fn after_space(letters: &[char], at: usize) -> usize {
    if at == 0 || letters.get(at - 1) == Some(&' ') {
        return at;
    }
    let space = letters
        .get(at..)
        .and_then(|rest| rest.iter().position(|letter| *letter == ' '));

    space.map_or(at, |space| at + space + 1)
}

/// Where the last whole word before `at` ends; `at` itself when there is none behind `found`.
fn before_space(letters: &[char], found: usize, at: usize) -> usize {
    if at == letters.len() || letters[at] == ' ' {
        return at;
    }
    let space = letters[found..at].iter().rposition(|letter| *letter == ' ');

    space.map_or(at, |space| found + space)
}

fn one_line(content: &str) -> String {
    let plain: String = content
        .chars()
        .filter(|letter| !turns_direction(*letter))
        .map(|letter| match letter {
            '<' => '‹',
            '>' => '›',
            letter if letter.is_control() => ' ',
            letter => letter,
        })
        .collect();
    let words: Vec<_> = plain.split_whitespace().collect();

    words.join(" ")
}

/// The marks, embeddings, overrides and isolates of <https://www.unicode.org/reports/tr9/>.
fn turns_direction(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(content: &str, query: &str) -> String {
        let words = Words::parse(query).expect("a query").expect("words");
        highlight(content, &words)
    }

    #[test]
    fn a_short_text_is_shown_whole_in_one_line() {
        assert_eq!(shown("good\n\tmorning  sea", "sea"), "good morning sea");
    }

    #[test]
    fn a_long_text_is_cut_at_words_around_what_was_found() {
        let content = format!(
            "{}the HÁRBOUR at night {}",
            "before ".repeat(50),
            "after ".repeat(50)
        );
        let shown = shown(&content, "harb");

        assert!(shown.contains("the HÁRBOUR at night after"), "{shown}");
        assert!(
            shown.starts_with("…before ") && shown.ends_with(" after…"),
            "{shown}"
        );
        assert!(shown.chars().count() <= MAX_CHARS + 2, "{shown}");
    }

    #[test]
    fn a_word_without_end_is_cut_anywhere() {
        let shown = shown(&"é".repeat(5_000), "sea");
        assert_eq!(shown, format!("{}…", "é".repeat(MAX_CHARS)));
    }

    #[test]
    fn nothing_in_it_is_markup_or_hidden() {
        let hostile = "<script>alert(1)</script>\u{0}\u{202e}sea\u{1b}[2J";
        assert_eq!(shown(hostile, "sea"), "‹script›alert(1)‹/script› sea [2J");
    }

    proptest! {
        #[test]
        fn any_text_is_shown_as_one_safe_line(content in "(?s).{0,600}", query in "[a-z]{3,8}") {
            let Ok(Some(words)) = Words::parse(&query) else { return Ok(()) };
            let shown = highlight(&content, &words);
            let is_safe = |letter: char| !letter.is_control() && !"<>".contains(letter) && !turns_direction(letter);
            prop_assert!(shown.chars().all(is_safe));
            prop_assert!(shown.chars().count() <= MAX_CHARS + 2);
        }
    }
}
