//! What two runs of the same thing may differ in: ids, counters, times, and everything that was made at random.
//!
//! Random values are not blotted out but named: a generated password becomes `<redis-password>` wherever it turns up,
//! so a Secret that was made of another password than the one that is stored does not look the same.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What stands in place of something that may differ.
const MASKED: &str = "<masked>";
/// Given by the API server or by the cluster's controllers, at their own discretion.
const ANY: &[&str] = &[
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/generation",
    "/metadata/creationTimestamp",
    "/metadata/deletionTimestamp",
    "/metadata/namespace",
    "/metadata/annotations/deployment.kubernetes.io~1revision",
    "/metadata/annotations/volume.kubernetes.io~1selected-node",
    "/metadata/annotations/volume.kubernetes.io~1storage-provisioner",
    "/metadata/annotations/volume.beta.kubernetes.io~1storage-provisioner",
    "/metadata/annotations/pv.kubernetes.io~1bind-completed",
    "/metadata/annotations/pv.kubernetes.io~1bound-by-controller",
    "/spec/clusterIP",
    "/spec/clusterIPs",
    "/spec/healthCheckNodePort",
    "/spec/volumeName",
];
/// No random value is shorter.
const SHORTEST: usize = 8;
/// A digest of what a pod reads, and with it of passwords.
const CONFIG_HASH: &str = "socialplatform.io/config-hash";

/// Knows the random values of one platform.
#[derive(Debug, Default)]
pub struct Mask {
    /// A value, in the spellings in which it may turn up, and its name.
    named: Vec<(String, String)>,
}

impl Mask {
    /// Learns the values of a Secret, which are random, by its keys.
    pub fn learn(&mut self, data: &BTreeMap<String, Vec<u8>>) {
        for (key, value) in data {
            let name = format!("<{key}>");
            let Ok(text) = std::str::from_utf8(value) else {
                continue;
            };
            // A number or a word turns up everywhere, and nobody took it at random.
            if text.len() < SHORTEST {
                continue;
            }
            self.named.push((text.to_owned(), name.clone()));
            // In a text that is JSON, such as a list of definitions, quotes and line ends are spelled out.
            let spelled = Value::from(text).to_string();
            self.named
                .push((spelled.trim_matches('"').to_owned(), name));
        }
        // The longest first: one may be a part of another.
        self.named
            .sort_by_key(|(value, _)| usize::MAX - value.len());
        self.named.dedup();
    }

    /// Learns something else that differs, and what to call it.
    pub fn call(&mut self, value: &str, name: &str) {
        self.learn(&BTreeMap::from([(name.to_owned(), value.into())]));
    }

    /// The object with all that may differ in it made the same. `ours` is the field manager whose fields are compared.
    pub fn mask(&self, mut object: Value, ours: &str) -> Result<Value> {
        let generation = object["metadata"]["generation"].clone();
        for path in ANY {
            if let Some(place) = object.pointer_mut(path) {
                *place = MASKED.into();
            }
        }
        for owner in list(&mut object, "/metadata/ownerReferences") {
            owner["uid"] = MASKED.into();
        }
        if let Some(Value::Array(managers)) = object.pointer_mut("/metadata/managedFields") {
            managers.retain(|manager| manager["manager"] == ours);
            for manager in managers.iter_mut() {
                manager["time"] = MASKED.into();
            }
            managers.sort_by_key(|manager| manager.to_string());
        }
        let is_chosen = object["kind"] == "Service";
        for port in list(&mut object, "/spec/ports").filter(|_| is_chosen) {
            if port.get("nodePort").is_some() {
                port["nodePort"] = MASKED.into();
            }
        }
        self.mask_data(&mut object).with_context(|| {
            format!(
                "a Secret that cannot be read: {}",
                object["metadata"]["name"]
            )
        })?;
        mask_status(&mut object, &generation);
        self.mask_texts(&mut object);

        Ok(object)
    }

    /// Data of Secrets becomes text, so that what is in it can be named.
    fn mask_data(&self, object: &mut Value) -> Result<()> {
        if object["kind"] != "Secret" {
            return Ok(());
        }
        for value in object["data"]
            .as_object_mut()
            .into_iter()
            .flat_map(|data| data.values_mut())
        {
            let bytes = STANDARD.decode(value.as_str().unwrap_or_default())?;
            if let Ok(text) = String::from_utf8(bytes) {
                *value = text.into();
            }
        }

        Ok(())
    }

    fn masked(&self, mut text: String) -> String {
        for (random, name) in &self.named {
            if text.contains(random) {
                text = text.replace(random, name);
            }
        }

        text
    }

    fn mask_texts(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.masked(std::mem::take(text)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_texts(item)),
            Value::Object(fields) => {
                // Owners are known by their ids among the fields that somebody manages.
                for (name, mut field) in std::mem::take(fields) {
                    if name == CONFIG_HASH {
                        field = MASKED.into();
                    }
                    self.mask_texts(&mut field);
                    fields.insert(self.masked(name), field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Only our own kind's status is ours. Its times differ, and its generations count the edits.
fn mask_status(object: &mut Value, generation: &Value) {
    if object["kind"] != "SocialPlatform" {
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
        return;
    }
    let of_this = |observed: &mut Value| {
        if observed == generation {
            *observed = "<this generation>".into();
        }
    };
    if let Some(observed) = object.pointer_mut("/status/observedGeneration") {
        of_this(observed);
    }
    for condition in list(object, "/status/conditions") {
        condition["lastTransitionTime"] = MASKED.into();
        of_this(&mut condition["observedGeneration"]);
    }
}

fn list<'a>(object: &'a mut Value, path: &str) -> impl Iterator<Item = &'a mut Value> {
    object
        .pointer_mut(path)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masked(password: &str, object: Value) -> Value {
        let mut mask = Mask::default();
        mask.learn(&BTreeMap::from([(
            "redis-password".to_owned(),
            format!("password-{password}").into_bytes(),
        )]));
        mask.mask(object, "us").unwrap()
    }

    #[test]
    fn two_runs_of_the_same_look_the_same() {
        let run = |number: u32, password: &str| {
            let url = STANDARD.encode(format!("redis://:password-{password}@demo-redis"));
            masked(
                password,
                json!({
                    "kind": "Secret",
                    "metadata": {
                        "name": "demo-post",
                        "namespace": format!("run-{number}"),
                        "uid": format!("uid-{number}"),
                        "resourceVersion": format!("{number}"),
                        "generation": number,
                        "creationTimestamp": format!("2026-01-01T00:00:0{number}Z"),
                        "ownerReferences": [{ "name": "demo", "uid": format!("owner-{number}") }],
                        "managedFields": [
                            { "manager": "us", "time": number, "fieldsV1": {} },
                            { "manager": format!("them-{number}") },
                        ],
                    },
                    "data": { "url": url },
                }),
            )
        };

        assert_eq!(run(1, "one"), run(2, "two"));
        assert_eq!(
            run(1, "one")["data"]["url"],
            "redis://:<redis-password>@demo-redis"
        );
    }

    #[test]
    fn a_secret_made_of_another_password_does_not_look_the_same() {
        let of = |password: &str| {
            let data = json!({ "url": STANDARD.encode(password) });
            masked(
                "right",
                json!({ "kind": "Secret", "metadata": {}, "data": data }),
            )
        };

        assert_ne!(of("right"), of("wrong"));
    }

    #[test]
    fn what_was_wanted_is_not_masked() {
        let of = |replicas: u32| {
            let spec = json!({ "replicas": replicas });
            masked(
                "x",
                json!({ "kind": "Deployment", "metadata": { "name": "a" }, "spec": spec }),
            )
        };

        assert_ne!(of(1), of(2));
    }

    #[test]
    fn a_status_of_an_older_generation_is_told_from_that_of_this_one() {
        let of = |observed: u32, generation: u32| {
            masked(
                "x",
                json!({
                    "kind": "SocialPlatform",
                    "metadata": { "generation": generation },
                    "status": {
                        "observedGeneration": observed,
                        "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "t" }],
                    },
                }),
            )
        };

        assert_eq!(of(3, 3), of(7, 7));
        assert_ne!(of(2, 3), of(3, 3));
    }

    #[test]
    fn pods_that_read_other_passwords_have_other_hashes() {
        let of = |hash: &str| {
            let annotations = json!({ CONFIG_HASH: hash });
            let template = json!({ "metadata": { "annotations": annotations } });
            masked(
                "x",
                json!({ "kind": "Deployment", "spec": { "template": template } }),
            )
        };

        assert_eq!(of("1"), of("2"));
    }
}
