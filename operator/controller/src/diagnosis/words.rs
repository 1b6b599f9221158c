//! Words of others, made fit for a status: one short line, the same as long as it means the same, and nothing
//! confidential in it.

use serde_json::Value;

use crate::status::shortened;

/// Longest sentence of somebody else.
const LONGEST: usize = 300;

/// A run of letters and digits as long as this is no word: a key, a signature, a digest.
const LONGEST_WORD: usize = 24;

/// Stands for what is left out.
const MARK: &str = "…";

/// What makes a line of a log worth more than the lines after it.
const TELLING: [&str; 8] = [
    "error", "fatal", "panic", "failed", "cannot", "can't", "denied", "refused",
];

/// `text` on one line, without any of `confidential`, without what else is likely to be, and not too long.
pub fn fit(text: &str, confidential: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in confidential {
        text = text.replace(secret, MARK);
    }
    let line = text
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| without_keys(&without_credentials(word)))
        .collect::<Vec<_>>()
        .join(" ");

    shortened(line, LONGEST)
}

/// The line of the end of a log that says why it ends.
pub fn last_words(log: &str) -> Option<String> {
    let mut lines = Vec::<Line>::new();
    for line in log.lines().filter_map(|text| Line::read(text.trim())) {
        match lines.last_mut() {
            // What a Rust program panicked of stands on the line after the place where it did.
            Some(last) if last.is_unfinished => {
                last.text = format!("{} {}", last.text, line.text);
                last.is_unfinished = false;
            }
            _ => lines.push(line),
        }
    }

    let last = lines.last()?;
    let telling = lines.iter().rfind(|line| line.is_telling).unwrap_or(last);
    // Redis says first that it fails and last why. What is between can be a line of its configuration.
    let says_more = telling.is_plain && last.is_plain && telling.text != last.text;

    Some(match says_more {
        true => format!("{} {MARK} {}", telling.text, last.text),
        false => telling.text.clone(),
    })
}

/// Whether two sentences differ in nothing but numbers, times, addresses and the like, as far as both go.
pub fn are_alike(one: &str, other: &str) -> bool {
    let (one, other) = (lasting(one), lasting(other));
    let is_cut = |words: &[String]| words.last().is_some_and(|last| last.ends_with(MARK));
    if !is_cut(&one) && !is_cut(&other) {
        return one == other;
    }
    let common = one.len().min(other.len()).saturating_sub(1);

    one[..common] == other[..common]
}

struct Line {
    text: String,
    is_telling: bool,
    /// Whether it is not one of JSON, of which each tells all there is to it.
    is_plain: bool,
    /// Whether the line after it belongs to it.
    is_unfinished: bool,
}

impl Line {
    /// `None` for a line that says nothing by itself.
    fn read(text: &str) -> Option<Self> {
        if let Ok(Value::Object(fields)) = serde_json::from_str(text) {
            return Self::of_json(&Value::Object(fields));
        }
        // The first line is often the second half of one.
        let is_half = text.ends_with('}') && text.contains("\":");
        if text.is_empty() || is_half || text.starts_with("note: run with `RUST_BACKTRACE") {
            return None;
        }
        let small = text.to_lowercase();

        Some(Self {
            text: text.to_owned(),
            is_telling: TELLING.iter().any(|word| small.contains(word)),
            is_plain: true,
            is_unfinished: small.contains("panicked at"),
        })
    }

    /// Our services' lines, and MongoDB's.
    fn of_json(line: &Value) -> Option<Self> {
        let find = |pointers: &[&str]| {
            let mut values = pointers.iter().map(|pointer| line.pointer(pointer));
            values
                .find_map(|value| value?.as_str())
                .map(|text| text.trim().to_owned())
        };
        let message = find(&["/message", "/msg"])?;
        let error = find(&["/error", "/attr/error/errmsg", "/attr/error"]);
        let level = find(&["/level", "/s"]).unwrap_or_default();

        Some(Self {
            text: error.map_or(message.clone(), |error| format!("{message}: {error}")),
            is_telling: ["ERROR", "E", "F"].contains(&level.as_str()),
            is_plain: false,
            is_unfinished: false,
        })
    }
}

/// The words without those that have a digit in them.
fn lasting(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric() && !MARK.contains(character))
        .filter(|word| !word.is_empty() && !word.contains(|digit: char| digit.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

/// An address without the name and password before its host, and without its query: that is where signatures are.
fn without_credentials(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let place = match place.rsplit_once('@') {
        Some((_, host)) => format!("{MARK}@{host}"),
        None => place.to_owned(),
    };
    let path = match path.split_once('?') {
        Some((path, query)) => {
            let end = query.find(['"', '\'', ')']).unwrap_or(query.len());
            format!("{path}?{MARK}{}", &query[end..])
        }
        None => path.to_owned(),
    };

    format!("{scheme}://{place}{path}")
}

/// Names of objects are made of short words with hyphens between them, and stay.
fn without_keys(word: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "+=_".contains(character);
    let mut kept = String::new();
    let mut rest = word;
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|character: char| !is_part(character))
            .unwrap_or(from.len());
        let (part, after) = from.split_at(end);
        let is_key = part.len() >= LONGEST_WORD
            && part.contains(|character: char| character.is_ascii_digit())
            && part.contains(|character: char| character.is_ascii_alphabetic());
        kept.push_str(before);
        kept.push_str(if is_key { MARK } else { part });
        rest = after;
    }

    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_short_line() {
        assert_eq!(fit(" a\n\tb\u{1b}c  d\r\n", &[]), "a b c d");
        assert!(fit(&"word ".repeat(1000), &[]).len() <= LONGEST);
    }

    #[test]
    fn nothing_confidential_is_repeated() {
        let confidential = ["hunter2!".to_owned()];

        for (said, fit_to_read) in [
            ("requirepass hunter2!", "requirepass …"),
            (
                "mongodb://post:secret@demo-mongodb:27017/post?authSource=post failed",
                "mongodb://…@demo-mongodb:27017/post?… failed",
            ),
            (
                "GET \"https://cdn.example.com/blob?X-Sig=abc&X-Key=def\": 403",
                "GET \"https://cdn.example.com/blob?…\": 403",
            ),
            (
                "key 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 is bad",
                "key … is bad",
            ),
            (
                "claim data-town-square-mongodb-0 of demo-mongodb.social.svc.cluster.local",
                "claim data-town-square-mongodb-0 of demo-mongodb.social.svc.cluster.local",
            ),
        ] {
            assert_eq!(fit(said, &confidential), fit_to_read);
        }
    }

    #[test]
    fn the_line_that_says_why_is_found_in_a_log() {
        for (log, words) in [
            (
                "{\"timestamp\":\"…\",\"level\":\"INFO\",\"message\":\"starting\"}\n\
                 post: bad setting: PAGE_LIMIT (--page-limit): 0 is not in 1..=100\n",
                "post: bad setting: PAGE_LIMIT (--page-limit): 0 is not in 1..=100",
            ),
            (
                "nds\":3}}\n\
                 {\"t\":{\"$date\":\"2026-11-25T13:00:00Z\"},\"s\":\"E\",\"c\":\"CONTROL\",\
                 \"msg\":\"DBException in initAndListen, terminating\",\
                 \"attr\":{\"error\":\"DBPathInUse: Unable to lock the lock file\"}}\n\
                 {\"t\":{},\"s\":\"I\",\"c\":\"CONTROL\",\"msg\":\"Shutting down\",\"attr\":{\"exitCode\":100}}",
                "DBException in initAndListen, terminating: DBPathInUse: Unable to lock the lock file",
            ),
            (
                "thread 'main' panicked at src/main.rs:1:2:\n\
                 no such thing\n\
                 note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
                "thread 'main' panicked at src/main.rs:1:2: no such thing",
            ),
            (
                "\n*** FATAL CONFIG FILE ERROR (Redis 8.0.2) ***\n\
                 Reading the configuration file, at line 2\n\
                 >>> 'requirepass \"a b'\n\
                 unbalanced quotes in configuration line\n",
                "*** FATAL CONFIG FILE ERROR (Redis 8.0.2) *** … unbalanced quotes in configuration line",
            ),
            ("one\ntwo\n", "two"),
        ] {
            assert_eq!(last_words(log).as_deref(), Some(words));
        }
        assert_eq!(last_words("\n \n"), None);
    }

    #[test]
    fn sentences_that_differ_in_numbers_alone_are_alike() {
        let at = |time: &str, port: u16| {
            format!("{time} # read udp 10.0.0.7:{port}->10.96.0.10:53: i/o timeout")
        };

        assert!(are_alike(
            &at("13:34:11.123", 3456),
            &at("13:40:02.001", 51234)
        ));
        assert!(!are_alike("no such host", "connection refused"));
        assert!(
            are_alike("one two three fo…", "one two three four five"),
            "as far as both go"
        );
        assert!(!are_alike("one two three…", "one too three four five"));
    }
}
