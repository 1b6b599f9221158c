//! The resource's definition as files: what `crdgen` writes and the repository keeps.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;
use serde_json::{Value, json};

use crate::{SocialPlatform, reference};

/// The chart's copy of the definition, as a template: a chart's own folder for definitions is installed once and never upgraded.
const CHART_TEMPLATE: &str = "charts/operator/templates/crd.yaml";

/// The page with every field.
const REFERENCE: &str = "docs/reference.md";

/// The definition of `SocialPlatform` as the API server takes it.
pub fn crd() -> CustomResourceDefinition {
    serde_json::from_value(definition()).expect("tidying removes optional parts only")
}

/// Every generated file: its path from the root of the repository, and its text.
pub fn manifests() -> Vec<(String, String)> {
    let definition = definition();
    let mut kept = definition.clone();
    kept["metadata"]["annotations"] = json!({ "helm.sh/resource-policy": "keep" });

    vec![
        (
            format!("crds/{}.yaml", SocialPlatform::crd_name()),
            yaml(&definition),
        ),
        (CHART_TEMPLATE.to_owned(), yaml(&kept)),
        (
            REFERENCE.to_owned(),
            reference::page(&definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]),
        ),
    ]
}

fn definition() -> Value {
    let mut definition = serde_json::to_value(SocialPlatform::crd())
        .expect("a definition is maps, lists and text only");
    tidy(&mut definition);

    definition
}

/// An optional field is absent or a value: the generated schema would take an explicit null as a third thing, which rules then would
/// have to know of. Bounds are whole numbers, which the generated schema writes as fractions. And a description is broken into lines by
/// who shows it; what comes from a comment is broken already.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            if entries.get("nullable") == Some(&Value::Bool(true)) {
                entries.remove("nullable");
            }
            if let Some(Value::Array(values)) = entries.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            if let Some(Value::String(text)) = entries.get_mut("description") {
                *text = text
                    .split("\n\n")
                    .map(|paragraph| paragraph.replace('\n', " "))
                    .collect::<Vec<_>>()
                    .join("\n\n");
            }
            entries.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|number| number.fract() == 0.0) {
                *number = (whole as i64).into();
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn yaml(definition: &Value) -> String {
    let text =
        serde_yaml::to_string(definition).expect("a definition is maps, lists and text only");

    format!("# Generated from operator/api by `make crds`.\n{text}")
}

#[cfg(test)]
mod tests;
