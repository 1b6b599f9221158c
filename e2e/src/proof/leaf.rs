//! The leaves of the resource's schema: everything a person can set that has no parts of its own.

use anyhow::{Context, Result};
use serde_json::{Map, Value};

/// Everything below `spec` that can be set, in the order of the schema.
pub fn leaves(crd: &Value) -> Result<Vec<Leaf>> {
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let spec = crd.pointer(spec).context("the definition has no spec")?;
    let mut leaves = Vec::new();
    collect("", spec, &mut leaves);

    Ok(leaves)
}

/// One field, by its path as `kubectl explain` takes it; `[]` stands for the items of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    pub path: String,
    pub schema: Value,
}

impl Leaf {
    /// Values that the schema alone shows to be possible, of which some are not the default.
    pub fn guesses(&self) -> Vec<Value> {
        let bound = |name: &str| self.schema[name].as_f64().map(|bound| bound as i64);

        match (&self.schema["enum"], self.schema["type"].as_str()) {
            (Value::Array(words), _) => words.clone(),
            (_, Some("boolean")) => vec![true.into(), false.into()],
            (_, Some("integer")) => match (bound("minimum"), bound("maximum")) {
                (Some(least), Some(most)) if least + 1 < most => vec![(least + 1).into()],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// What `**` at the beginning of a pattern stands for, if that pattern means this leaf.
    pub fn place_in(&self, pattern: &str) -> Option<&str> {
        self.path.strip_suffix(pattern.strip_prefix("**")?)
    }

    /// Whether a pattern means this leaf: a path, in which `*` stands for one field of any name, and `**` at its beginning
    /// for any number of them.
    pub fn is_meant_by(&self, pattern: &str) -> bool {
        if self.place_in(pattern).is_some() {
            return true;
        }
        let (mut names, mut patterns) = (self.path.split('.'), pattern.split('.'));

        loop {
            match (names.next(), patterns.next()) {
                (None, None) => return true,
                (Some(name), Some(pattern)) if pattern == "*" || pattern == name => {}
                _ => return false,
            }
        }
    }

    /// Sets this field of a spec, in the first item where it is one of a list.
    pub fn set(&self, spec: &mut Value, value: Value) {
        *place(spec, &self.path) = value;
    }
}

/// A spec in which there is nothing but this, at this place.
pub fn at(path: &str, value: Value) -> Value {
    let mut spec = Value::Null;
    *place(&mut spec, path) = value;

    spec
}

/// Removes a field from a spec, and leaves what is around it.
pub fn remove(spec: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = match parent {
        "" => spec,
        parent => place(spec, parent),
    };
    if let Some(fields) = parent.as_object_mut() {
        fields.remove(name);
    }
}

fn place<'a>(spec: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(spec, |parent, step| {
        let name = step.trim_end_matches("[]");
        if !parent.is_object() {
            *parent = Value::Object(Map::new());
        }
        let field = &mut parent[name];
        if name == step {
            return field;
        }
        if field.get(0).is_none() {
            *field = Value::Array(vec![Value::Null]);
        }
        &mut field[0]
    })
}

fn collect(path: &str, schema: &Value, leaves: &mut Vec<Leaf>) {
    let has_fields = |schema: &Value| {
        schema["properties"]
            .as_object()
            .is_some_and(|f| !f.is_empty())
    };

    if has_fields(schema) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let separator = if path.is_empty() { "" } else { "." };
            collect(&format!("{path}{separator}{name}"), field, leaves);
        }
    } else if has_fields(&schema["items"]) {
        collect(&format!("{path}[]"), &schema["items"], leaves);
    } else {
        leaves.push(Leaf {
            path: path.to_owned(),
            schema: schema.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn leaf(path: &str) -> Leaf {
        Leaf {
            path: path.to_owned(),
            schema: Value::Null,
        }
    }

    #[test]
    fn lists_of_objects_have_leaves_and_lists_of_words_are_leaves() {
        let named = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
        let schema = json!({ "properties": {
            "secrets": { "type": "array", "items": named },
            "words": { "type": "array", "items": { "type": "string" } },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            "nothing": { "type": "object" },
            "one": { "properties": { "two": { "type": "integer" } } },
        }});
        let mut found = Vec::new();

        collect("", &schema, &mut found);

        let mut paths: Vec<_> = found.into_iter().map(|leaf| leaf.path).collect();
        paths.sort();
        assert_eq!(
            paths,
            ["labels", "nothing", "one.two", "secrets[].name", "words"]
        );
    }

    #[test]
    fn a_star_stands_for_one_field() {
        let replicas = leaf("post.replicas");

        assert!(replicas.is_meant_by("post.replicas"));
        assert!(replicas.is_meant_by("*.replicas"));
        assert!(!replicas.is_meant_by("*"));
        assert!(!leaf("post.pods.replicas").is_meant_by("*.replicas"));
    }

    #[test]
    fn a_pattern_may_mean_a_field_at_any_place() {
        let deep = leaf("redis.managed.podLabels");

        assert!(deep.is_meant_by("**.podLabels"));
        assert_eq!(deep.place_in("**.podLabels"), Some("redis.managed"));
        assert_eq!(deep.place_in("*.podLabels"), None);
        assert!(!leaf("morePodLabels").is_meant_by("**.podLabels"));
        assert_eq!(
            at("redis.managed", json!({ "image": "i" })),
            json!({ "redis": { "managed": { "image": "i" } } })
        );
    }

    #[test]
    fn what_is_around_a_field_is_made_and_kept() {
        let mut spec = json!({ "images": { "registry": "r", "secrets": [{ "key": "k" }] } });

        leaf("images.secrets[].name").set(&mut spec, json!("s"));
        leaf("post.replicas").set(&mut spec, json!(2));

        assert_eq!(
            spec,
            json!({
                "images": { "registry": "r", "secrets": [{ "key": "k", "name": "s" }] },
                "post": { "replicas": 2 },
            })
        );
        remove(&mut spec, "post.replicas");
        assert_eq!(spec["post"], json!({}));
    }

    #[test]
    fn guesses_are_within_the_bounds() {
        let guesses = |schema| {
            Leaf {
                schema,
                ..leaf("a")
            }
            .guesses()
        };

        assert_eq!(
            guesses(json!({ "type": "integer", "minimum": 1, "maximum": 9 })),
            [json!(2)]
        );
        assert_eq!(
            guesses(json!({ "type": "boolean" })),
            [json!(true), json!(false)]
        );
        assert_eq!(
            guesses(json!({ "type": "string", "enum": ["A", "B"] })),
            [json!("A"), json!("B")]
        );
        assert!(guesses(json!({ "type": "string" })).is_empty());
    }
}
