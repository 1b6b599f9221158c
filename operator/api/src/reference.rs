//! The resource's fields as a page to read, made of the same definition that `kubectl explain` reads.

use serde_json::Value;

const HEAD: &str = "# Fields of a SocialPlatform

Generated from operator/api by `make crds`. `kubectl explain socialplatform.spec` shows the same of the cluster at hand, and
[`everything.yaml`](../operator/api/samples/everything.yaml) has every field set. Nothing has to be: `spec: {}` is a complete small
platform.
";

/// Fields that every service or store has with the same meaning: told of the first that has them, and named for the others.
const SHARED: [&str; 4] = ["resources", "scheduling", "autoscaling", "storage"];

/// One section for each part of the spec, one row for each field. `schema` is that of the whole resource.
pub(crate) fn page(schema: &Value) -> String {
    let spec = &schema["properties"]["spec"];
    let mut page = HEAD.to_owned();
    let mut told = Vec::new();
    let (parts, plain): (Vec<_>, Vec<_>) =
        fields(spec).partition(|(_, field)| field["properties"].is_object());

    page.push_str("\n## spec\n\n");
    table(&mut page);
    for (name, field) in plain {
        row(&mut page, name, field);
    }
    for (name, part) in parts {
        let about = one_line(&part["description"]);
        page.push_str(&format!("\n## spec.{name}\n\n{about}\n"));
        let sentences = rules(part);
        if !sentences.is_empty() {
            page.push_str(&format!("\nRules: {}.\n", sentences.join("; ")));
        }
        page.push('\n');
        table(&mut page);
        rows(&mut page, "", part, &mut told);
    }

    page
}

fn rows(page: &mut String, path: &str, schema: &Value, told: &mut Vec<Value>) {
    for (name, field) in fields(schema) {
        let path = format!("{path}{name}");
        row(page, &path, field);
        let inner = if field["items"].is_object() {
            (&field["items"], "[].")
        } else {
            (field, ".")
        };
        // What was told once of the same is not told again.
        let shape = shape(inner.0);
        if SHARED.contains(&name) {
            if told.contains(&shape) {
                continue;
            }
            told.push(shape);
        }
        rows(page, &format!("{path}{}", inner.1), inner.0, told);
    }
}

/// What two fields of the same meaning have in common, their descriptions left out.
fn shape(schema: &Value) -> Value {
    match schema {
        Value::Object(entries) => entries
            .iter()
            .filter(|(key, value)| *key != "description" || !value.is_string())
            .map(|(key, value)| (key.clone(), shape(value)))
            .collect(),
        other => other.clone(),
    }
}

fn fields(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = schema["properties"].as_object().into_iter().flatten();

    fields.map(|(name, field)| (name.as_str(), field))
}

fn table(page: &mut String) {
    page.push_str("| field | takes | is |\n|---|---|---|\n");
}

fn row(page: &mut String, path: &str, field: &Value) {
    let mut about = one_line(&field["description"]);
    for sentence in rules(field) {
        about.push_str(&format!(" Rule: {sentence}."));
    }

    page.push_str(&format!("| `{path}` | {} | {about} |\n", takes(field)));
}

/// "1 to 100", "text", "one of A, B".
fn takes(field: &Value) -> String {
    if let Some(values) = field["enum"].as_array() {
        let values: Vec<_> = values
            .iter()
            .filter_map(Value::as_str)
            .map(|value| format!("`{value}`"))
            .collect();
        return format!("one of {}", values.join(", "));
    }
    if field["additionalProperties"].is_object() {
        return "names with text".to_owned();
    }
    if field["x-kubernetes-int-or-string"] == true {
        return "amount".to_owned();
    }
    match field["type"].as_str() {
        Some("integer") => match (field["minimum"].as_i64(), field["maximum"].as_i64()) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("{least} or more"),
            _ => "number".to_owned(),
        },
        Some("boolean") => "`true`, `false`".to_owned(),
        Some("string") => "text".to_owned(),
        Some("array") => "list".to_owned(),
        _ => "fields below".to_owned(),
    }
}

fn rules(schema: &Value) -> Vec<&str> {
    let rules = schema["x-kubernetes-validations"].as_array();

    rules
        .into_iter()
        .flatten()
        .filter_map(|rule| rule["message"].as_str())
        .collect()
}

/// A cell of a table holds one line, and a bar would end it.
fn one_line(description: &Value) -> String {
    let text = description.as_str().unwrap_or_default();

    text.replace('\n', " ").replace('|', "\\|")
}
