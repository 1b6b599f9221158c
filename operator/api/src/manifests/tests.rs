//! What every generated manifest keeps to, whatever fields come.

use std::{collections::BTreeSet, fs, path::PathBuf};

use super::*;
use crate::{Component, SocialPlatform};

const STALE: &str = "crds/ is stale: run `make crds` and commit the result";

/// The API server keeps the last applied text of an object in an annotation of at most 256 KiB.
const MAX_BYTES: usize = 200_000;

fn repository(path: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../..", path].iter().collect()
}

fn samples() -> Vec<String> {
    fs::read_dir(repository("operator/api/samples"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect()
}

/// Calls with every property below `schema`, and its path.
fn for_every_property(schema: &Value, path: &str, check: &mut impl FnMut(&Value, &str)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        check(property, &path);
        for_every_property(property, &path, check);
        for_every_property(&property["items"], &path, check);
    }
}

fn schema() -> Value {
    definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

#[test]
fn committed_manifests_are_the_generated_ones() {
    for (path, text) in manifests() {
        assert_eq!(
            fs::read_to_string(repository(&path)).unwrap_or_default(),
            text,
            "{STALE}"
        );
    }
}

#[test]
fn crds_holds_nothing_but_generated_manifests() {
    let generated: BTreeSet<_> = manifests().into_iter().map(|(path, _)| path).collect();
    for entry in fs::read_dir(repository("crds")).unwrap() {
        let path = format!("crds/{}", entry.unwrap().file_name().to_str().unwrap());
        assert!(generated.contains(&path), "{path}: {STALE}");
    }
}

#[test]
fn the_chart_keeps_the_definition_and_helm_reads_nothing_into_it() {
    let manifests = manifests();
    let (_, template) = manifests
        .iter()
        .find(|(path, _)| path == CHART_TEMPLATE)
        .unwrap();

    assert!(template.contains("helm.sh/resource-policy: keep"));
    assert!(!template.contains("{{"));
}

#[test]
fn the_definition_stays_small_enough_to_be_applied() {
    let json = serde_json::to_string(&crd()).unwrap();

    assert!(json.len() < MAX_BYTES, "{} bytes", json.len());
}

#[test]
fn every_field_is_described() {
    for_every_property(&schema(), "", &mut |property, path| {
        assert!(property["description"].is_string(), "{path}");
    });
}

#[test]
fn every_text_and_list_is_bounded() {
    for_every_property(&schema(), "", &mut |property, path| {
        let is_text =
            property["type"] == "string" || property["x-kubernetes-int-or-string"] == true;
        if is_text && property["enum"].is_null() {
            assert!(property["maxLength"].is_u64(), "{path} has no maxLength");
        }
        if property["type"] == "array" {
            let items = &property["items"];
            let is_of_objects = items["type"] == "object";
            // Objects that nothing tells apart are taken as a whole.
            let kinds: &[&str] = if is_of_objects {
                &["map", "atomic"]
            } else {
                &["set"]
            };
            let kind = property["x-kubernetes-list-type"].as_str().unwrap();
            assert!(property["maxItems"].is_u64(), "{path} has no maxItems");
            assert!(kinds.contains(&kind), "{path} is a list of type {kind}");
            assert!(
                is_of_objects || items["maxLength"].is_u64() || items["enum"].is_array(),
                "{path} has items without bounds"
            );
        }
        if property["type"] == "integer" {
            assert!(property["minimum"].is_i64(), "{path} has no minimum");
        }
        let values = &property["additionalProperties"];
        assert!(
            values.is_null() || property["maxProperties"].is_u64() && values["maxLength"].is_u64(),
            "{path} takes keys or values without bounds"
        );
    });
}

#[test]
fn nothing_in_the_spec_is_required() {
    let properties = &schema()["properties"];

    assert!(properties["spec"]["required"].is_null());
}

#[test]
fn samples_hold_only_fields_there_are() {
    for sample in samples() {
        let platform: SocialPlatform = serde_yaml::from_str(&sample).unwrap();
        let mut written = serde_json::to_value(platform).unwrap();
        let mut read: Value = serde_yaml::from_str(&sample).unwrap();
        // Processors may be given as a number and are kept as text.
        as_text(&mut read["spec"]);
        as_text(&mut written["spec"]);

        assert_eq!(written, read);
    }
}

fn as_text(value: &mut Value) {
    match value {
        Value::Object(entries) => entries.values_mut().for_each(as_text),
        Value::Array(items) => items.iter_mut().for_each(as_text),
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Of what excludes one another, each has a sample of its own; what every component has is set for one of them.
#[test]
fn every_field_is_set_in_a_sample() {
    let samples: Vec<Value> = samples()
        .iter()
        .map(|sample| serde_yaml::from_str(sample).unwrap())
        .collect();
    let components = Component::ALL.map(Component::as_str);

    for_every_property(&schema()["properties"]["spec"], "", &mut |_, path| {
        let steps: Vec<_> = path.split('.').skip(1).collect();
        let is_set = |first: &str| {
            samples
                .iter()
                .any(|sample| reaches(&sample["spec"][first], &steps[1..]))
        };
        let is_shared = components.contains(&steps[0]);
        assert!(
            is_set(steps[0]) || is_shared && components.into_iter().any(is_set),
            "{path} is in no sample"
        );
    });
}

/// Whether there is something at the end of these steps, in any item of the lists on the way.
fn reaches(value: &Value, steps: &[&str]) -> bool {
    match (value, steps) {
        (Value::Null, _) => false,
        (Value::Array(items), steps) if !steps.is_empty() => {
            items.iter().any(|item| reaches(item, steps))
        }
        (value, [first, rest @ ..]) => reaches(&value[first], rest),
        (_, []) => true,
    }
}

#[test]
fn the_chart_has_the_version_of_the_code() {
    let chart: Value = serde_yaml::from_str(
        &fs::read_to_string(repository("charts/operator/Chart.yaml")).unwrap(),
    )
    .unwrap();

    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}
