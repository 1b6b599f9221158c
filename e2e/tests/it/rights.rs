//! The chart allows what the operator does: what it renders it may write, and what it watches it may watch. No cluster is
//! needed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::chart::{DEFAULT, Rendered};

const OPERATOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../operator");
/// What every platform has as long as it is there. The operator takes none of it away.
const STAYS: [&str; 5] = [
    "ConfigMap",
    "Deployment",
    "Secret",
    "Service",
    "StatefulSet",
];

#[test]
fn what_is_rendered_may_be_read_made_and_changed_and_what_is_optional_removed() {
    let may = rights();
    let kinds = rendered_kinds();
    assert!(kinds.len() > STAYS.len(), "{kinds:?}");

    for (group, kind) in kinds {
        let resource = plural(&kind);
        for verb in ["get", "create", "patch"] {
            assert!(
                may.contains(&(group.clone(), resource.clone(), verb)),
                "{verb} {resource}"
            );
        }
        let may_remove = may.contains(&(group, resource.clone(), "delete"));
        assert_eq!(
            may_remove,
            !STAYS.contains(&kind.as_str()),
            "delete {resource}"
        );
    }
}

#[test]
fn what_is_watched_may_be_watched() {
    let may = rights();
    let source = fs::read_to_string(format!("{OPERATOR}/controller/src/watch.rs")).unwrap();
    let kinds = source.split("place.api::<").skip(1);
    // The platforms themselves go by a name of the module's own there.
    let kinds = kinds.map(|rest| {
        rest.split_once('>')
            .unwrap()
            .0
            .replace("Watched", "SocialPlatform")
    });
    let kinds: BTreeSet<_> = kinds.collect();
    assert!(kinds.len() > STAYS.len(), "{kinds:?}");

    for kind in kinds {
        let resource = plural(&kind);
        for verb in ["list", "watch"] {
            let is_allowed = may
                .iter()
                .any(|(_, what, how)| *what == resource && *how == verb);
            assert!(is_allowed, "{verb} {resource}");
        }
    }
}

/// As group, resource and verb.
fn rights() -> BTreeSet<(String, String, &'static str)> {
    const VERBS: [&str; 7] = [
        "get", "list", "watch", "create", "update", "patch", "delete",
    ];
    let mut rights = BTreeSet::new();
    for rule in Rendered::with(DEFAULT).rules() {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                let verbs = VERBS.into_iter();
                for verb in verbs.filter(|verb| rule.verbs.iter().any(|it| it == verb)) {
                    rights.insert((group.clone(), resource.clone(), verb));
                }
            }
        }
    }

    rights
}

/// Group and kind of every object in the golden files.
fn rendered_kinds() -> BTreeSet<(String, String)> {
    let golden = Path::new(OPERATOR).join("render/tests/golden");
    let cases = entries(&golden).into_iter();

    cases
        .flat_map(|case| entries(&case.join("expected")))
        .map(|file| {
            let text = fs::read_to_string(file).unwrap();
            let object: Value = serde_yaml::from_str(&text).unwrap();
            let version = object["apiVersion"].as_str().unwrap();
            let group = version.split_once('/').map_or("", |(group, _)| group);
            let kind = object["kind"].as_str().unwrap();
            (group.to_owned(), kind.to_owned())
        })
        .collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();

    entries.map(|entry| entry.unwrap().path()).collect()
}

fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    if let Some(stem) = kind.strip_suffix('y') {
        format!("{stem}ies")
    } else if kind.ends_with('s') {
        format!("{kind}es")
    } else {
        format!("{kind}s")
    }
}
