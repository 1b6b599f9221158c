//! The chart's alerts and dashboard: that they are well-formed, and ask for metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::cluster::CHART;
use serde_json::Value;

use crate::chart::{EVERYTHING, Rendered, program};

const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/alerts/rules.test.yaml");
/// The operator's metrics have its name before their own.
const OPERATOR: &str = "socialplatform_operator_";

#[test]
fn the_rules_are_valid_and_fire_when_they_should() {
    promtool(&["check", "rules", &format!("{CHART}/files/rules.yaml")]);
    promtool(&["test", "rules", TESTS]);
}

#[test]
fn the_rules_are_installed_as_they_are_tested() {
    let installed: Value = Rendered::with(EVERYTHING).only("PrometheusRule");

    assert_eq!(installed["spec"], rules());
    assert_eq!(installed["metadata"]["labels"]["release"], "prometheus");
}

#[test]
fn metrics_of_platforms_keep_their_namespace() {
    let monitor: Value = Rendered::with(EVERYTHING).only("ServiceMonitor");

    assert_eq!(monitor["spec"]["endpoints"][0]["honorLabels"], true);
}

#[test]
fn every_metric_that_is_asked_for_exists() {
    let operators = fs::read_to_string(in_checkout("operator/controller/src/metrics.rs")).unwrap();
    let services = sources(&in_checkout("services"));
    let exists = |metric: &str| match metric.strip_prefix(OPERATOR) {
        Some(own) => is_named(&operators, own),
        None => services.iter().any(|source| is_named(source, metric)),
    };

    let asked = expressions().into_iter().flat_map(|text| metrics(&text));
    let asked: BTreeSet<_> = asked.collect();
    assert!(asked.len() > 10, "{asked:?}");
    let unknown: Vec<_> = asked.iter().filter(|metric| !exists(metric)).collect();

    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_alert_says_what_it_means_and_the_docs_what_to_do() {
    let docs = fs::read_to_string(in_checkout("docs/alerts.md")).unwrap();
    let headings: BTreeSet<_> = docs
        .lines()
        .filter_map(|it| it.strip_prefix("## "))
        .collect();
    let rules = rules();
    let alerts: BTreeSet<_> = alerts(&rules)
        .inspect(|alert| {
            assert!(alert["annotations"]["summary"].is_string(), "{alert}");
            assert!(alert["annotations"]["description"].is_string(), "{alert}");
            assert!(alert["labels"]["severity"].is_string(), "{alert}");
        })
        .map(|alert| alert["alert"].as_str().unwrap())
        .collect();

    assert_eq!(alerts, headings);
}

#[test]
fn words_of_the_language_are_told_from_metrics() {
    let found = metrics(
        r#"max by (le, pod_name) (rate(a_bucket{b_c="d_e", f=~"g_h"}[$__rate_interval]))
           and on (namespace) histogram_quantile(0.5, x_total) > y_z"#,
    );

    assert_eq!(found, ["a", "x_total", "y_z"].map(str::to_owned));
}

/// The metrics of an expression. Ours have an underscore in their names; what the language has, and labels, are left out.
fn metrics(expression: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(is_word) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_word(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        rest = after;
        // Labels: in braces, or in the brackets after `by` and `on`.
        if before.ends_with('{') {
            rest = after.split_once('}').map_or("", |(_, after)| after);
        } else if ["by", "on"].contains(&word) {
            rest = after.split_once(')').map_or("", |(_, after)| after);
        } else if word.contains('_') && !word.contains('$') && !after.starts_with('(') {
            let series = ["_bucket", "_sum", "_count"];
            let stem = series.iter().find_map(|end| word.strip_suffix(end));
            found.push(stem.unwrap_or(word).to_owned());
        }
    }

    found
}

/// What the rules and the panels ask.
fn expressions() -> Vec<String> {
    let rules = rules();
    let of_rules = alerts(&rules).map(|alert| &alert["expr"]);
    let dashboard = Rendered::with(EVERYTHING)
        .all::<Value>("ConfigMap")
        .into_iter()
        .find_map(|map| {
            map["data"]["socialplatform.json"]
                .as_str()
                .map(str::to_owned)
        });
    let dashboard: Value = serde_json::from_str(&dashboard.unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let of_panels = targets.flatten().map(|target| &target["expr"]);

    of_rules
        .chain(of_panels)
        .map(|expression| expression.as_str().unwrap().to_owned())
        .collect()
}

fn rules() -> Value {
    let text = fs::read_to_string(format!("{CHART}/files/rules.yaml")).unwrap();

    serde_yaml::from_str(&text).unwrap()
}

fn alerts(rules: &Value) -> impl Iterator<Item = &Value> {
    let groups = rules["groups"].as_array().unwrap();

    groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
}

/// Whether a source file names a metric so.
fn is_named(source: &str, metric: &str) -> bool {
    source.contains(&format!("\"{metric}\""))
}

/// The text of every source file below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let paths = entries.map(|entry| entry.path());

    paths
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else if path.extension().is_some_and(|it| it == "rs") {
                vec![fs::read_to_string(path).unwrap()]
            } else {
                Vec::new()
            }
        })
        .collect()
}

fn in_checkout(path: &str) -> PathBuf {
    Path::new(CHECKOUT).join(path)
}

fn promtool(arguments: &[&str]) {
    let output = Command::new(program("TEST_PROMTOOL"))
        .args(arguments)
        .output()
        .unwrap();

    assert!(
        output.status.success(),
        "promtool {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
