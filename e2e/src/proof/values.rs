//! Which value each leaf of the schema is changed to, and what comes of it.
//!
//! What the bounds in the schema are enough for needs no line here. A leaf of which nothing is known fails the walk.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::leaf::{Leaf, at, remove};

/// What a change of a field does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The platform's objects become others.
    Objects,
    /// It tells the operator how to work; another test shows that it does, and this says which.
    Operator(&'static str),
    /// It is settled when a platform is made, and the API server says so.
    Fixed(&'static str),
}

/// One step of the walk: from a spec to another that differs in one leaf.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub path: String,
    pub before: Value,
    /// One spec, or several of which at least one is not the default.
    pub after: Vec<Value>,
    pub effect: Effect,
}

/// A line of the table. Values and specs are YAML, as a person writes them.
struct Line {
    /// A leaf; `*` stands for one field of any name, and `**` for any place at all.
    leaf: &'static str,
    /// The spec around it, where it means nothing alone: the whole, or what is at the place of `**`.
    base: &'static str,
    /// What of the base it replaces, where there may be only one.
    instead_of: &'static str,
    value: &'static str,
    effect: Effect,
}

/// A spec in which everything has its default.
const NO_BASE: &str = "{}";
const S3: &str =
    "{media: {storage: {s3: {bucket: files, credentialsSecretRef: {name: bucket-keys}}}}}";
const CLOUDINARY: &str = "{media: {storage: {cloudinary: {secretRef: {name: cloudinary}}}}}";
const REQUIRED: &str = "{scheduling: {requiredNodes: [{key: a, operator: In, values: [b]}]}}";
const PREFERRED: &str = "{scheduling: {preferredNodes: [{key: a, operator: In, values: [b]}]}}";
const TOLERATION: &str = "{scheduling: {tolerations: [{key: a, effect: NoExecute}]}}";
const SIZE: &str = "managed.storage.size cannot be changed after creation";
const CLASS: &str = "managed.storage.storageClassName cannot be changed after creation";
const KIND: &str = "media.storage cannot be changed to another kind after creation";

/// The first line that means a leaf counts.
const LINES: &[Line] = &[
    line("version", "0.0.9-walked"),
    line("images.registry", "registry.example.com/social"),
    line("images.pullSecrets[].name", "registry-keys"),
    line("instance.name", "Walked"),
    line("instance.contact", "ops@example.com"),
    line("*.resources.requests.cpu", "30m"),
    line("*.resources.requests.memory", "48Mi"),
    line("*.resources.limits.cpu", "1500m"),
    line("*.resources.limits.memory", "768Mi"),
    line("*.managed.resources.requests.cpu", "30m"),
    line("*.managed.resources.requests.memory", "48Mi"),
    line("*.managed.resources.limits.cpu", "1500m"),
    line("*.managed.resources.limits.memory", "768Mi"),
    line("*.managed.image", "registry.example.com/store:1"),
    fixed("*.managed.storage.size", "{}", "", "3Gi", SIZE),
    fixed(
        "*.managed.storage.storageClassName",
        "{}",
        "",
        "walked",
        CLASS,
    ),
    based(
        "gateway.exposure.nodePort",
        "{gateway: {exposure: {type: NodePort}}}",
        "30199",
    ),
    line("gateway.cors.allowedOrigins", "['https://app.example.com']"),
    line("identity.accessTokenTtlSeconds", "600"),
    line("identity.refreshTokenIdleSeconds", "500000"),
    line("identity.refreshTokenTtlSeconds", "5000000"),
    line("identity.passwordHash.memoryKib", "20480"),
    line("identity.passwordHash.iterations", "3"),
    line("media.allowedTypes", "[image/png]"),
    line("media.maxUploadBytes", "2097152"),
    line("media.userQuotaBytes", "1073741823"),
    based("media.storage.s3.bucket", S3, "other-files"),
    based("media.storage.s3.endpoint", S3, "'https://s3.example.com'"),
    based("media.storage.s3.region", S3, "eu-central-1"),
    based(
        "media.storage.s3.credentialsSecretRef.name",
        S3,
        "other-keys",
    ),
    based(
        "media.storage.cloudinary.secretRef.name",
        CLOUDINARY,
        "other-keys",
    ),
    based(
        "**.autoscaling.maxReplicas",
        "{autoscaling: {maxReplicas: 5}}",
        "6",
    ),
    based(
        "**.autoscaling.minReplicas",
        "{autoscaling: {maxReplicas: 5}}",
        "2",
    ),
    based(
        "**.autoscaling.targetCpuPercent",
        "{autoscaling: {maxReplicas: 5}}",
        "70",
    ),
    line("**.scheduling.nodeSelector", "{walked: a}"),
    line(
        "**.scheduling.spread.topologyKey",
        "topology.kubernetes.io/zone",
    ),
    line("**.scheduling.priorityClassName", "system-cluster-critical"),
    line("**.podLabels", "{example.com/walked: a}"),
    line("**.podAnnotations", "{example.com/walked: a}"),
    based("**.scheduling.requiredNodes[].key", REQUIRED, "c"),
    based("**.scheduling.requiredNodes[].operator", REQUIRED, "NotIn"),
    based("**.scheduling.requiredNodes[].values", REQUIRED, "[c]"),
    based("**.scheduling.preferredNodes[].key", PREFERRED, "c"),
    based(
        "**.scheduling.preferredNodes[].operator",
        PREFERRED,
        "NotIn",
    ),
    based("**.scheduling.preferredNodes[].values", PREFERRED, "[c]"),
    based("**.scheduling.tolerations[].key", TOLERATION, "c"),
    based("**.scheduling.tolerations[].operator", TOLERATION, "Exists"),
    based("**.scheduling.tolerations[].value", TOLERATION, "c"),
    based(
        "**.scheduling.tolerations[].effect",
        TOLERATION,
        "NoSchedule",
    ),
    based(
        "**.scheduling.tolerations[].tolerationSeconds",
        TOLERATION,
        "5",
    ),
    based(
        "gateway.exposure.ingress.host",
        "{gateway: {exposure: {ingress: {host: a.example.com}}}}",
        "b.example.com",
    ),
    based(
        "gateway.exposure.ingress.className",
        "{gateway: {exposure: {ingress: {host: a.example.com}}}}",
        "nginx",
    ),
    based(
        "gateway.exposure.ingress.tlsSecretName",
        "{gateway: {exposure: {ingress: {host: a.example.com}}}}",
        "certificate",
    ),
    based(
        "gateway.exposure.ingress.annotations",
        "{gateway: {exposure: {ingress: {host: a.example.com}}}}",
        "{example.com/walked: a}",
    ),
    based(
        "gateway.exposure.httpRoute.parents[].name",
        "{gateway: {exposure: {httpRoute: {parents: [{name: shared}]}}}}",
        "other",
    ),
    based(
        "gateway.exposure.httpRoute.parents[].namespace",
        "{gateway: {exposure: {httpRoute: {parents: [{name: shared}]}}}}",
        "gateways",
    ),
    based(
        "gateway.exposure.httpRoute.parents[].sectionName",
        "{gateway: {exposure: {httpRoute: {parents: [{name: shared}]}}}}",
        "https",
    ),
    based(
        "gateway.exposure.httpRoute.hostnames",
        "{gateway: {exposure: {httpRoute: {parents: [{name: shared}]}}}}",
        "[b.example.com]",
    ),
    based(
        "monitoring.podMonitor.labels",
        "{monitoring: {podMonitor: {}}}",
        "{release: walked}",
    ),
    based(
        "mongodb.external.secretRef.name",
        "{mongodb: {external: {secretRef: {name: own-mongodb}}}}",
        "other-mongodb",
    ),
    based(
        "redis.external.secretRef.name",
        "{redis: {external: {secretRef: {name: own-redis}}}}",
        "other-redis",
    ),
    based(
        "rabbitmq.external.secretRef.name",
        "{rabbitmq: {external: {secretRef: {name: own-rabbitmq}}}}",
        "other-rabbitmq",
    ),
    operator("paused", "true", "options::a_paused_platform_is_left_alone"),
    operator("credentials.existingSecret", "own-credentials", "rotation"),
    operator("credentials.tokenKeysGeneration", "2", "rotation"),
    operator("credentials.passwordsGeneration", "2", "rotation"),
    fixed("media.storage.gridfs", S3, "media.storage.s3", "{}", KIND),
];

/// The step for a leaf, or a sentence that says what the table lacks.
pub fn step(leaf: &Leaf) -> Result<Step> {
    let line = LINES.iter().find(|line| leaf.is_meant_by(line.leaf));
    let (base, values, effect) = match line {
        Some(line) => {
            let mut base = yaml(line.base)?;
            if let Some(place) = leaf.place_in(line.leaf).filter(|_| line.base != NO_BASE) {
                base = at(place, base);
            }
            let before = base.clone();
            if !line.instead_of.is_empty() {
                remove(&mut base, line.instead_of);
            }
            (Some((before, base)), vec![yaml(line.value)?], line.effect)
        }
        None => (None, leaf.guesses(), Effect::Objects),
    };
    if values.is_empty() {
        bail!(
            "spec.{} is a new field that nothing changes yet: give it a line in e2e/src/proof/values.rs",
            leaf.path
        );
    }
    let (before, base) = base.unwrap_or_else(|| (Value::Object(Default::default()), Value::Null));
    let after = values.into_iter().map(|value| {
        let mut spec = base.clone();
        leaf.set(&mut spec, value);
        spec
    });

    Ok(Step {
        path: leaf.path.clone(),
        before,
        after: after.collect(),
        effect,
    })
}

/// That every line of the table is about a leaf there is.
pub fn every_line_means_a_leaf(leaves: &[Leaf]) -> Result<()> {
    for Line { leaf: pattern, .. } in LINES {
        ensure!(
            leaves.iter().any(|leaf| leaf.is_meant_by(pattern)),
            "e2e/src/proof/values.rs has a line for {pattern}, which is no field of the resource"
        );
    }

    Ok(())
}

const fn line(leaf: &'static str, value: &'static str) -> Line {
    based(leaf, NO_BASE, value)
}

const fn based(leaf: &'static str, base: &'static str, value: &'static str) -> Line {
    Line {
        leaf,
        base,
        instead_of: "",
        value,
        effect: Effect::Objects,
    }
}

const fn operator(leaf: &'static str, value: &'static str, shown_by: &'static str) -> Line {
    Line {
        leaf,
        base: NO_BASE,
        instead_of: "",
        value,
        effect: Effect::Operator(shown_by),
    }
}

const fn fixed(
    leaf: &'static str,
    base: &'static str,
    instead_of: &'static str,
    value: &'static str,
    sentence: &'static str,
) -> Line {
    Line {
        leaf,
        base,
        instead_of,
        value,
        effect: Effect::Fixed(sentence),
    }
}

fn yaml(text: &str) -> Result<Value> {
    serde_yaml::from_str(text).with_context(|| format!("{text} is not YAML"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_leaf_that_nothing_is_known_of_is_named() {
        let leaf = Leaf {
            path: "post.colour".to_owned(),
            schema: json!({ "type": "string" }),
        };

        assert_eq!(
            step(&leaf).unwrap_err().to_string(),
            "spec.post.colour is a new field that nothing changes yet: give it a line in e2e/src/proof/values.rs"
        );
    }

    #[test]
    fn one_kind_takes_the_place_of_another() {
        let leaf = Leaf {
            path: "media.storage.gridfs".to_owned(),
            schema: json!({ "type": "object" }),
        };

        let Step { before, after, .. } = step(&leaf).unwrap();

        assert_eq!(before["media"]["storage"]["s3"]["bucket"], "files");
        assert_eq!(after, [json!({ "media": { "storage": { "gridfs": {} } } })]);
    }
}
