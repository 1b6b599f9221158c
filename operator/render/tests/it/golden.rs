//! `tests/golden/<case>/platform.yaml` in, one file per object in `expected/` out. `make golden` writes the folder anew.

use std::{collections::BTreeMap, fs};

use k8s_openapi::api::core::v1::Secret;

use crate::cases::{self, Object};

#[test]
fn rendered_objects_are_the_expected_ones() {
    for case in cases::NAMES {
        let rendered = files(&cases::objects(
            &cases::platform(case),
            &cases::credentials(),
        ));
        if is_update() {
            write(case, &rendered);
        }

        let expected = read(case);
        let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            names(&rendered),
            names(&expected),
            "{case}: run `make golden` and look at the difference"
        );
        for (name, text) in rendered {
            assert_eq!(
                text, expected[&name],
                "{case}/expected/{name}: run `make golden` and look at the difference"
            );
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no command line of its own to be asked by"
)]
fn is_update() -> bool {
    std::env::var("UPDATE_GOLDEN").is_ok_and(|value| value == "1")
}

fn files(objects: &[Object]) -> BTreeMap<String, String> {
    objects
        .iter()
        .map(|object| {
            (
                format!("{}-{}.yaml", object.kind.to_lowercase(), object.name),
                readable(object),
            )
        })
        .collect()
}

/// The content of a Secret as text instead of base64: the same to the API server, and not the same to a reader.
fn readable(object: &Object) -> String {
    if object.kind != "Secret" {
        return object.yaml.clone();
    }

    let mut secret: Secret = serde_yaml::from_str(&object.yaml).unwrap();
    let data = secret.data.take().unwrap_or_default();
    secret.string_data = Some(
        data.into_iter()
            .map(|(key, value)| (key, String::from_utf8(value.0).unwrap()))
            .collect(),
    );

    serde_yaml::to_string(&secret).unwrap()
}

/// Replaces the whole folder, so that an object that vanished vanishes here too.
fn write(case: &str, files: &BTreeMap<String, String>) {
    let folder = cases::folder(case).join("expected");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
}

fn read(case: &str) -> BTreeMap<String, String> {
    fs::read_dir(cases::folder(case).join("expected"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read_to_string(entry.path()).unwrap(),
            )
        })
        .collect()
}
