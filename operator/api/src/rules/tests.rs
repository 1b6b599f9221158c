//! The rules as the API server evaluates them: what passes, and the sentence for what does not.

use std::sync::LazyLock;

use kube::core::cel::Validator;
use serde_json::{Value, json};

use crate::manifests::crd;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let definition = serde_json::to_value(crd()).unwrap();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
});

/// The sentences with which a platform of this name and spec is refused, having been of another spec before.
fn refusals(name: &str, spec: &str, before: Option<&str>) -> Vec<String> {
    let platform = |spec: &str| -> Value {
        let spec: Value = serde_yaml::from_str(spec).unwrap();
        json!({ "metadata": { "name": name }, "spec": spec })
    };
    let errors = Validator::new().validate(&SCHEMA, &platform(spec), before.map(platform).as_ref());

    errors
        .err()
        .into_iter()
        .flat_map(|errors| errors.into_vec())
        .map(|error| error.message)
        .collect()
}

fn created(spec: &str) -> Vec<String> {
    refusals("demo", spec, None)
}

fn changed(from: &str, to: &str) -> Vec<String> {
    refusals("demo", to, Some(from))
}

#[test]
fn a_good_spec_is_taken() {
    let specs = [
        "{}",
        "{version: 1.0.0-rc.1}",
        "{images: {registry: 'localhost:5000/social/media_1', pullSecrets: [{name: a.b-c}]}}",
        "{gateway: {exposure: {type: NodePort, nodePort: 30000}}}",
        "{post: {resources: {requests: {cpu: '0.5', memory: 1Gi}, limits: {cpu: 1, memory: 1024Mi}}}}",
        "{post: {resources: {limits: {memory: 64Mi}}}}",
        "{mongodb: {managed: {image: mongo, resources: {limits: {memory: 512Mi}}}}}",
        "{mongodb: {managed: {image: 'localhost:5000/mongo:6.0', storage: {size: 256Mi, storageClassName: fast}}}}",
    ];
    for spec in specs {
        assert_eq!(created(spec), [""; 0], "{spec}");
    }
}

#[test]
fn a_bad_spec_is_refused_in_a_sentence() {
    let cases = [
        ("{version: 'latest!'}", "must be an image tag"),
        ("{version: 1.0-}", "must be an image tag"),
        (
            "{images: {registry: 'https://docker.io'}}",
            "must be a registry and a path in it",
        ),
        (
            "{images: {registry: 'docker.io/social:1.0'}}",
            "must be a registry and a path in it",
        ),
        (
            "{images: {pullSecrets: [{name: A}]}}",
            "must be the name of an object",
        ),
        (
            "{gateway: {exposure: {nodePort: 30000}}}",
            "nodePort is only for type NodePort",
        ),
        (
            "{gateway: {exposure: {type: ClusterIP, nodePort: 30000}}}",
            "nodePort is only for type NodePort",
        ),
        (
            "{gateway: {resources: {limits: {memory: 32Mi}}}}",
            "resources.limits.memory must be at least 64Mi",
        ),
        (
            "{post: {resources: {requests: {cpu: 2}, limits: {cpu: 1500m}}}}",
            "limits.cpu must not be below requests.cpu",
        ),
        (
            "{post: {resources: {requests: {memory: 1Gi}, limits: {memory: 1000Mi}}}}",
            "limits.memory must not be below requests.memory",
        ),
        (
            "{mongodb: {managed: {image: 'docker://mongo'}}}",
            "must be an image",
        ),
        (
            "{mongodb: {managed: {storage: {size: 255Mi}}}}",
            "size must be at least 256Mi",
        ),
        (
            "{mongodb: {managed: {storage: {storageClassName: Fast}}}}",
            "must be the name of an object",
        ),
        (
            "{mongodb: {managed: {resources: {limits: {memory: 511Mi}}}}}",
            "managed.resources.limits.memory must be at least 512Mi",
        ),
        (
            "{rabbitmq: {managed: {resources: {limits: {memory: 255Mi}}}}}",
            "managed.resources.limits.memory must be at least 256Mi",
        ),
    ];
    for (spec, sentence) in cases {
        let refusals = created(spec);
        assert_eq!(refusals.len(), 1, "{spec}: {refusals:?}");
        assert!(refusals[0].starts_with(sentence), "{spec}: {refusals:?}");
    }
}

#[test]
fn names_leave_room_for_what_is_made_of_them() {
    assert_eq!(refusals(&"a".repeat(40), "{}", None), [""; 0]);
    for name in ["1demo", "demo-", "de.mo", "Demo"] {
        assert!(
            refusals(name, "{}", None)[0].starts_with("metadata.name must start with a letter"),
            "{name}"
        );
    }
    assert!(
        refusals(&"a".repeat(41), "{}", None)[0]
            .starts_with("metadata.name must not be longer than 40")
    );
}

#[test]
fn storage_stays_as_it_was_created() {
    let cases = [
        (
            "{}",
            "{mongodb: {managed: {storage: {size: 9Gi}}}}",
            "mongodb.managed.storage.size",
        ),
        (
            "{redis: {managed: {storage: {size: 2Gi}}}}",
            "{}",
            "redis.managed.storage.size",
        ),
        (
            "{rabbitmq: {managed: {storage: {size: 2Gi}}}}",
            "{rabbitmq: {managed: {storage: {size: 1Gi}}}}",
            "rabbitmq.managed.storage.size",
        ),
        (
            "{}",
            "{mongodb: {managed: {storage: {storageClassName: fast}}}}",
            "mongodb.managed.storage.storageClassName",
        ),
        (
            "{redis: {managed: {storage: {storageClassName: fast}}}}",
            "{}",
            "redis.managed.storage.storageClassName",
        ),
    ];
    for (from, to, field) in cases {
        assert_eq!(
            changed(from, to),
            [format!("{field} cannot be changed after creation")]
        );
    }
}

#[test]
fn storage_may_be_said_in_other_words() {
    let sizes = [
        "{}",
        "{mongodb: {managed: {storage: {size: 8Gi}}}}",
        "{mongodb: {managed: {storage: {size: 8192Mi}}}}",
    ];
    for from in sizes {
        for to in sizes {
            assert_eq!(changed(from, to), [""; 0], "from {from} to {to}");
        }
    }
}

#[test]
fn everything_but_storage_may_change() {
    let to = "{version: 2.0.0, post: {replicas: 3}, mongodb: {managed: {image: 'mongo:7.0', resources: {limits: {memory: 2Gi}}}}}";

    assert_eq!(changed("{}", to), [""; 0]);
}
