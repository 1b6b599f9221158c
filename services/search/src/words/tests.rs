use proptest::prelude::*;

use super::*;

fn asked(query: &str) -> Vec<String> {
    let words = Words::parse(query).expect("a query");
    words.map(|words| words.terms()).unwrap_or_default()
}

fn prefix(query: &str) -> Option<String> {
    let words = Words::parse(query).expect("a query")?;
    words.prefix().map(str::to_owned)
}

#[test]
fn a_blank_query_is_refused() {
    for blank in ["", " ", "\n\u{3000}"] {
        assert_eq!(Words::parse(blank), Err(WordsError::Blank), "{blank:?}");
    }
}

#[test]
fn a_query_is_measured_in_characters() {
    assert!(Words::parse(&"é".repeat(200)).is_ok());
    for (actual, letter) in [(201, "é"), (100_000, "a")] {
        assert_eq!(
            Words::parse(&letter.repeat(actual)),
            Err(WordsError::TooLong { actual })
        );
    }
}

#[test]
fn operators_become_words() {
    let cases = [
        ("\"good morning\"", &["good", "morn"][..]),
        ("-sea harbour", &["sea", "harbour"]),
        ("a\u{0}bc", &["bc"]),
        ("well-known", &["well", "known"]),
        ("{$gt: 1}", &["gt", "1"]),
    ];
    for (query, expected) in cases {
        assert_eq!(asked(query), expected, "{query}");
    }
}

#[test]
fn a_query_of_symbols_and_stop_words_asks_for_nothing() {
    for nothing in [
        "-", "\"\"", "!?.", "☀", "$ -- {}", "the", "And THE", "don't", "don’t!", "'", "\u{301}",
    ] {
        assert_eq!(Words::parse(nothing), Ok(None), "{nothing}");
    }
}

#[test]
fn a_word_is_asked_for_once_where_it_stands_last() {
    assert_eq!(asked("seas land Sea"), ["land", "sea"]);
}

#[test]
fn a_text_is_found_by_its_words_without_their_endings() {
    let found_by = |text: &str| terms(text).collect::<Vec<_>>();

    assert_eq!(
        found_by("Running to the CAFÉS, she runs; the dog’s run"),
        ["run", "cafe", "run", "dog", "run"]
    );
    assert_eq!(found_by(&"x".repeat(5_000)), ["x".repeat(64)]);
    assert_eq!(found_by(&"y ".repeat(5_000)).len(), 2_500);
}

#[test]
fn only_a_last_word_that_may_go_on_is_a_beginning() {
    let cases = [
        ("harb", Some("harb")),
        ("good morning HÁRB", Some("harb")),
        ("harb ", None),
        ("harb!", None),
        ("harb the", None),
        ("h", None),
        ("good-harb", Some("harb")),
        ("海辺", Some("海辺")),
    ];
    for (query, expected) in cases {
        assert_eq!(prefix(query).as_deref(), expected, "{query}");
    }
}

#[test]
fn case_accents_and_spelling_do_not_count() {
    for word in ["CAFÉ", "cafe\u{301}", "ｃａｆｅ"] {
        assert_eq!(fold(word), "cafe", "{word}");
    }
}

#[test]
fn a_text_is_split_where_words_end() {
    let text = "Don't, 'quote' well-known snake_case x\u{301}y — 2nd";
    let split: Vec<_> = words(text).map(|(_, word)| word).collect();

    assert_eq!(
        split,
        [
            "Don't",
            "quote",
            "well",
            "known",
            "snake_case",
            "x\u{301}y",
            "2nd"
        ]
    );
    for (at, word) in words(text) {
        assert!(text[at..].starts_with(word), "{word}");
    }
}

proptest! {
    #[test]
    fn any_query_is_parsed(query in any::<String>()) {
        if let Ok(Some(words)) = Words::parse(&query) {
            let terms = words.terms();
            prop_assert!(!terms.is_empty());
            prop_assert!(terms.iter().all(|term| !term.is_empty() && !term.contains(['$', '\0'])));
            if let Some(prefix) = words.prefix() {
                prop_assert!(prefix.chars().count() >= MIN_PREFIX_CHARS);
                prop_assert!(words.ask_for(prefix));
            }
        }
    }

    #[test]
    fn any_query_of_the_query_languages_is_parsed(query in "[$\"\\\\{}:.\\-' a-c]{0,250}") {
        let parsed = Words::parse(&query);
        let is_blank = query.trim().is_empty();
        prop_assert_eq!(parsed.is_err(), is_blank || query.len() > MAX_QUERY_CHARS);
    }

    #[test]
    fn words_lie_in_their_text(text in any::<String>()) {
        for (at, word) in words(&text) {
            prop_assert_eq!(&text[at..at + word.len()], word);
        }
    }

    #[test]
    fn any_text_has_terms_that_find_it(text in any::<String>()) {
        let in_text: Vec<_> = terms(&text).collect();
        if let Ok(Some(words)) = Words::parse(&text) {
            prop_assert!(words.terms().iter().all(|term| in_text.contains(term)));
        }
    }

    #[test]
    fn folding_twice_changes_nothing(word in "[a-zà-žＡ-Ｚά-ώ]{1,12}") {
        prop_assert_eq!(fold(&fold(&word)), fold(&word));
    }
}
