//! Everything in a namespace at one moment, in a form in which two runs of the same thing are equal.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::ApiResource;
use kube::discovery::{Discovery, Scope, verbs};
use operator_api::SocialPlatform;
use operator_api::names::{MANAGER, credentials_name};
use serde_json::Value;

use super::mask::Mask;
use crate::platform::NAME;
use crate::{Cluster, Namespace};

/// What Kubernetes' own controllers make of what is compared, under names of their own; and what tells of the past.
const DERIVED: [&str; 9] = [
    "Pod",
    "PodMetrics",
    "ReplicaSet",
    "ControllerRevision",
    "Endpoints",
    "EndpointSlice",
    "Event",
    "Lease",
    "ResourceQuota",
];

/// The kinds of objects that a namespace can hold.
#[derive(Clone)]
pub struct Kinds(Vec<ApiResource>);

/// Every object, masked, by its kind and name.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot(pub BTreeMap<String, Value>);

impl Kinds {
    pub async fn of(cluster: &Cluster) -> Result<Self> {
        let discovery = Discovery::new(cluster.client.clone())
            .run_aggregated()
            .await?;
        let kinds = discovery
            .groups()
            .flat_map(|group| group.recommended_resources())
            .filter(|(kind, capabilities)| {
                capabilities.scope == Scope::Namespaced
                    && capabilities.supports_operation(verbs::LIST)
                    && !DERIVED.contains(&kind.kind.as_str())
            })
            .map(|(kind, _)| kind)
            .collect();

        Ok(Self(kinds))
    }

    /// What is in the namespace.
    pub async fn snapshot(&self, namespace: &Namespace) -> Result<Snapshot> {
        let mut mask = Mask::default();
        if let Some(secret) = credentials(namespace).await? {
            let data = secret.data.unwrap_or_default();
            mask.learn(
                &data
                    .into_iter()
                    .map(|(key, value)| (key, value.0))
                    .collect(),
            );
        }
        mask.call(&namespace.name, "namespace");
        let platforms: Api<SocialPlatform> = namespace.api();
        if let Some(platform) = platforms.get_opt(NAME).await? {
            mask.call(&platform.metadata.uid.unwrap_or_default(), "platform");
        }
        let mask = &mask;
        let listed = self.0.iter().map(|kind| async move {
            let client = namespace.cluster.client.clone();
            let api = Api::<DynamicObject>::namespaced_with(client, &namespace.name, kind);
            let objects = api.list(&ListParams::default()).await;
            let objects = objects.with_context(|| format!("failed to list {}", kind.plural))?;
            objects
                .items
                .into_iter()
                .map(|object| {
                    let mut value = serde_json::to_value(&object)?;
                    // A list does not say it of each.
                    value["kind"] = kind.kind.clone().into();
                    let name = value["metadata"]["name"].as_str().unwrap_or_default();
                    Ok((format!("{}/{name}", kind.kind), mask.mask(value, MANAGER)?))
                })
                .collect::<Result<Vec<_>>>()
        });
        let listed = futures::future::try_join_all(listed).await?;

        Ok(Snapshot(listed.into_iter().flatten().collect()))
    }
}

impl Snapshot {
    /// Where the other one differs, a line each, with what is there first.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let mut lines = Vec::new();
        for name in names {
            match (self.0.get(name), other.0.get(name)) {
                (Some(one), Some(another)) => compare(name, one, another, &mut lines),
                (Some(_), None) => lines.push(format!("{name} is missing")),
                _ => lines.push(format!("{name} is too much")),
            }
        }

        lines
    }
}

/// The Secret with everything random in it.
pub async fn credentials(namespace: &Namespace) -> Result<Option<Secret>> {
    let secrets = namespace.api::<Secret>();

    Ok(secrets.get_opt(&credentials_name(NAME)).await?)
}

fn compare(path: &str, one: &Value, another: &Value, lines: &mut Vec<String>) {
    let nothing = Value::Null;
    match (one, another) {
        (Value::Object(one), Value::Object(another)) => {
            let names: BTreeSet<_> = one.keys().chain(another.keys()).collect();
            for name in names {
                let of = |fields: &serde_json::Map<String, Value>| {
                    fields.get(name).cloned().unwrap_or_default()
                };
                compare(&format!("{path}.{name}"), &of(one), &of(another), lines);
            }
        }
        (Value::Array(one), Value::Array(another)) => {
            for index in 0..one.len().max(another.len()) {
                let of = |items: &[Value]| items.get(index).unwrap_or(&nothing).clone();
                compare(&format!("{path}[{index}]"), &of(one), &of(another), lines);
            }
        }
        _ if one != another => lines.push(format!("{path} is {another}, not {one}")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(objects: &[(&str, Value)]) -> Snapshot {
        let named = |(name, object): &(&str, Value)| ((*name).to_owned(), object.clone());

        Snapshot(objects.iter().map(named).collect())
    }

    #[test]
    fn differences_are_told_by_object_and_field() {
        let one = snapshot(&[
            ("Service/a", json!({ "spec": { "ports": [1, 2] } })),
            ("Service/b", json!({})),
        ]);
        let another = snapshot(&[
            ("Service/a", json!({ "spec": { "ports": [1, 3] } })),
            ("Service/c", json!({})),
        ]);

        assert_eq!(
            one.differences(&another),
            [
                "Service/a.spec.ports[1] is 3, not 2",
                "Service/b is missing",
                "Service/c is too much",
            ]
        );
        assert!(one.differences(&one).is_empty());
    }
}
