use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

const DOCUMENT: &str = include_str!("../../../../docs/api.md");
/// What is said of an answer that failed without saying how, which no service does.
const UNSAID: &str = "refused";

#[test]
fn the_documented_failures_are_the_ones_there_are() {
    let there_are: BTreeSet<_> = KINDS
        .iter()
        .map(|kind| (kind.status, kind.code.to_owned()))
        .collect();

    assert_eq!(documented(), there_are);
}

#[test]
fn the_failures_in_the_sources_are_the_ones_there_are() {
    let there_are: BTreeSet<_> = KINDS.iter().map(|kind| kind.code.to_owned()).collect();
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let mut used = BTreeSet::new();
    let mut sources = String::new();
    for service in fs::read_dir(services.expect("the services' folder")).expect("readable") {
        read(&service.expect("readable").path().join("src"), &mut sources);
    }
    for start in STARTS {
        used.extend(sources.split(start).skip(1).filter_map(code_at_the_start));
    }
    used.remove(UNSAID);
    let unlisted: Vec<_> = used.difference(&there_are).collect();
    assert!(unlisted.is_empty(), "in the sources only: {unlisted:?}");
    for code in &there_are {
        assert!(sources.contains(&format!("\"{code}\"")), "{code} is unused");
    }
}

#[test]
fn every_code_has_one_anchor_on_the_page() {
    let page = page();
    for kind in KINDS {
        let anchor = format!("id=\"{}\"", kind.code);
        assert_eq!(page.matches(&anchor).count(), 1, "{}", kind.code);
    }
}

/// What comes before a code where a problem is made.
const STARTS: [&str; 6] = [
    "Problem::new(",
    "Self::new(",
    "::malformed(",
    "::unauthorized(",
    "::refused(",
    "StatusCode::",
];

/// The code among the arguments at the start of `source`: its first or second, a literal in lower case.
fn code_at_the_start(source: &str) -> Option<String> {
    let code = source.split(',').take(2).find_map(|argument| {
        let literal = argument.trim().strip_prefix('"')?;
        literal.split_once('"').map(|(code, _)| code)
    })?;
    let is_code = code.contains('_') || code == "internal" || code == "timeout";
    let is_code = is_code && code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'));

    is_code.then(|| code.to_owned())
}

/// The codes of the table in docs/api.md, which may have several in a row.
fn documented() -> BTreeSet<(u16, String)> {
    let mut codes = BTreeSet::new();
    for line in DOCUMENT.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, status, named, ..] = cells[..] else {
            continue;
        };
        let Ok(status) = status.parse() else { continue };
        for code in named.split(", ") {
            codes.insert((status, code.trim_matches('`').to_owned()));
        }
    }

    codes
}

/// Adds all that is written in `folder`, tests left out.
fn read(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            read(&path, sources);
        } else if let Ok(source) = fs::read_to_string(&path) {
            let production = source.split("#[cfg(test)]").next();
            if !path.ends_with("problems.rs") && !path.ends_with("tests.rs") {
                sources.push_str(production.unwrap_or_default());
            }
        }
    }
}
