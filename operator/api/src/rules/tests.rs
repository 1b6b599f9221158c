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
        "{instance: {name: 'Stadtplatz, größer', contact: 'mailto:admin@example.com'}}",
        "{gateway: {cors: {allowedOrigins: ['*']}}}",
        "{gateway: {cors: {allowedOrigins: ['https://a.example.com', 'http://localhost:3000', 'http://[::1]:3000', 'capacitor://localhost']}}}",
        "{gateway: {cors: {}}}",
        "{identity: {accessTokenTtlSeconds: 600, refreshTokenTtlSeconds: 1200}}",
        "{identity: {refreshTokenIdleSeconds: 2592000}}",
        "{identity: {passwordHash: {memoryKib: 7168, iterations: 5, parallelism: 4}}}",
        "{identity: {passwordHash: {memoryKib: 262144}}}",
        "{identity: {passwordHash: {memoryKib: 32768}, resources: {limits: {memory: 64Mi}}}}",
        "{identity: {resources: {limits: {cpu: 2500m, memory: 70Mi}}}}",
        "{identity: {resources: {limits: {cpu: 500m, memory: 64Mi}}}}",
        "{media: {maxUploadBytes: 268435456, userQuotaBytes: 268435456, allowedTypes: [image/png]}}",
        "{media: {storage: {gridfs: {}}}}",
        "{post: {autoscaling: {maxReplicas: 1}}}",
        "{post: {scheduling: {requiredNodes: [{key: zone, operator: NotIn, values: [a]}], tolerations: [{operator: Exists}, {key: a, value: b}]}}}",
        "{gateway: {exposure: {ingress: {host: 'social.example.com'}, httpRoute: {parents: [{name: shared}], hostnames: ['*.example.com']}}}}",
        "{mongodb: {external: {secretRef: {name: own}}}, redis: {managed: {}}}",
        "{media: {storage: {s3: {endpoint: 'http://[::1]:9000', region: eu-central-1, bucket: my.bucket-1, credentialsSecretRef: {name: keys}}}}}",
        "{media: {storage: {cloudinary: {secretRef: {name: keys}}}}}",
        "{mongodb: {managed: {image: mongo, resources: {limits: {memory: 512Mi}}}}}",
        "{mongodb: {managed: {image: 'localhost:5000/mongo:6.0', storage: {size: 256Mi, storageClassName: fast}}}}",
        "{credentials: {tokenKeysGeneration: 3, passwordsGeneration: 2}}",
        "{credentials: {existingSecret: my.credentials}}",
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
            "{instance: {name: \"two\\nlines\"}}",
            "must be one line of text",
        ),
        (
            "{gateway: {cors: {allowedOrigins: ['https://app.example.com/']}}}",
            "must be * or origins as browsers spell them",
        ),
        (
            "{gateway: {cors: {allowedOrigins: ['https://a.example.com,https://b.example.com']}}}",
            "must be * or origins as browsers spell them",
        ),
        (
            "{gateway: {cors: {allowedOrigins: ['https://App.example.com']}}}",
            "must be * or origins as browsers spell them",
        ),
        (
            "{gateway: {cors: {allowedOrigins: ['null']}}}",
            "must be * or origins as browsers spell them",
        ),
        (
            "{gateway: {cors: {allowedOrigins: ['*', 'https://app.example.com']}}}",
            "* means every origin and must stand alone",
        ),
        (
            "{identity: {refreshTokenTtlSeconds: 3600}}",
            "refreshTokenTtlSeconds must be greater than accessTokenTtlSeconds",
        ),
        (
            "{identity: {refreshTokenIdleSeconds: 3600}}",
            "refreshTokenIdleSeconds must be greater than accessTokenTtlSeconds",
        ),
        (
            "{identity: {refreshTokenIdleSeconds: 604801, refreshTokenTtlSeconds: 604800}}",
            "refreshTokenIdleSeconds must be greater than accessTokenTtlSeconds",
        ),
        (
            "{identity: {passwordHash: {memoryKib: 17919}}}",
            "memoryKib times iterations must be at least 35840",
        ),
        (
            "{identity: {passwordHash: {iterations: 1}}}",
            "memoryKib times iterations must be at least 35840",
        ),
        (
            "{identity: {passwordHash: {memoryKib: 32769}, resources: {limits: {memory: 64Mi}}}}",
            "resources.limits.memory must be at least 32Mi and passwordHash.memoryKib",
        ),
        (
            "{identity: {resources: {limits: {cpu: 2, memory: 69Mi}}}}",
            "resources.limits.memory must be at least 32Mi and passwordHash.memoryKib",
        ),
        (
            "{media: {userQuotaBytes: 5242879}}",
            "userQuotaBytes must not be below maxUploadBytes",
        ),
        (
            "{media: {storage: {}}}",
            "storage must be exactly one of gridfs, s3 and cloudinary",
        ),
        (
            "{media: {storage: {gridfs: {}, cloudinary: {secretRef: {name: keys}}}}}",
            "storage must be exactly one of gridfs, s3 and cloudinary",
        ),
        (
            "{media: {storage: {s3: {endpoint: 'https://minio/path', bucket: files, credentialsSecretRef: {name: keys}}}}}",
            "must be the address of a server",
        ),
        (
            "{media: {storage: {s3: {region: 'eu central', bucket: files, credentialsSecretRef: {name: keys}}}}}",
            "must be a region",
        ),
        (
            "{media: {storage: {s3: {bucket: Files, credentialsSecretRef: {name: keys}}}}}",
            "must be the name of a bucket",
        ),
        (
            "{media: {storage: {cloudinary: {secretRef: {name: Keys}}}}}",
            "must be the name of an object",
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
        (
            "{credentials: {existingSecret: town/credentials}}",
            "must be the name of an object",
        ),
        (
            "{credentials: {existingSecret: mine, passwordsGeneration: 1}}",
            "tokenKeysGeneration and passwordsGeneration are not for an existingSecret",
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
fn files_stay_where_they_were_put() {
    let s3 = |bucket: &str| {
        format!(
            "{{media: {{storage: {{s3: {{bucket: {bucket}, credentialsSecretRef: {{name: a}}}}}}}}}}"
        )
    };
    let sentence = "media.storage cannot be changed to another kind after creation";

    for (from, to) in [
        ("{}", s3("files").as_str()),
        (&s3("files"), "{}"),
        (
            &s3("files"),
            "{media: {storage: {cloudinary: {secretRef: {name: a}}}}}",
        ),
        (
            "{media: {storage: {cloudinary: {secretRef: {name: a}}}}}",
            "{media: {replicas: 2}}",
        ),
    ] {
        let refusals = changed(from, to);
        assert_eq!(refusals.len(), 1, "from {from} to {to}: {refusals:?}");
        assert!(refusals[0].starts_with(sentence), "{refusals:?}");
    }
    for (from, to) in [
        ("{}", "{media: {storage: {gridfs: {}}}}"),
        ("{media: {storage: {gridfs: {}}}}", "{media: {}}"),
        (&s3("files"), &s3("moved")),
    ] {
        assert_eq!(changed(from, to), [""; 0], "from {from} to {to}");
    }
}

#[test]
fn generations_only_rise() {
    let two = "{credentials: {tokenKeysGeneration: 2, passwordsGeneration: 2}}";

    for (from, to, field) in [
        (
            two,
            "{credentials: {tokenKeysGeneration: 1, passwordsGeneration: 2}}",
            "tokenKeysGeneration",
        ),
        (
            two,
            "{credentials: {tokenKeysGeneration: 2}}",
            "passwordsGeneration",
        ),
        (
            "{credentials: {tokenKeysGeneration: 2}}",
            "{}",
            "tokenKeysGeneration",
        ),
    ] {
        assert_eq!(
            changed(from, to),
            [format!(
                "credentials.{field} cannot be lowered: what was replaced does not come back"
            )]
        );
    }
    for (from, to) in [
        ("{}", two),
        ("{}", "{credentials: {tokenKeysGeneration: 1}}"),
        (two, "{credentials: {existingSecret: mine}}"),
        ("{credentials: {existingSecret: mine}}", "{}"),
    ] {
        assert_eq!(changed(from, to), [""; 0], "from {from} to {to}");
    }
}

#[test]
fn everything_but_storage_may_change() {
    let to = "{version: 2.0.0, post: {replicas: 3}, mongodb: {managed: {image: 'mongo:7.0', resources: {limits: {memory: 2Gi}}}}}";

    assert_eq!(changed("{}", to), [""; 0]);
}

#[test]
fn how_pods_run_does_not_contradict_itself() {
    for (spec, sentence) in [
        (
            "{post: {replicas: 2, autoscaling: {maxReplicas: 3}}}",
            "replicas and autoscaling exclude each other: leave replicas out, minReplicas and maxReplicas bound it",
        ),
        (
            "{post: {autoscaling: {minReplicas: 4, maxReplicas: 3}}}",
            "minReplicas must not be above maxReplicas",
        ),
        (
            "{post: {scheduling: {requiredNodes: [{key: zone, operator: In}]}}}",
            "values must be given with In and NotIn, and left out with Exists and DoesNotExist",
        ),
        (
            "{post: {scheduling: {preferredNodes: [{key: zone, operator: Exists, values: [a]}]}}}",
            "values must be given with In and NotIn, and left out with Exists and DoesNotExist",
        ),
        (
            "{post: {scheduling: {tolerations: [{effect: NoSchedule}]}}}",
            "a toleration without key tolerates everything and needs the operator Exists",
        ),
        (
            "{post: {scheduling: {tolerations: [{key: a, operator: Exists, value: b}]}}}",
            "value is only for the operator Equal",
        ),
        (
            "{redis: {managed: {scheduling: {tolerations: [{key: a, effect: NoSchedule, tolerationSeconds: 1}]}}}}",
            "tolerationSeconds is only for the effect NoExecute",
        ),
        (
            "{gateway: {exposure: {ingress: {host: 'https://social.example.com'}}}}",
            "must be a host name such as social.example.com, without https://, port and path",
        ),
        (
            "{gateway: {exposure: {httpRoute: {parents: [{name: shared}], hostnames: ['social.example.com:8080']}}}}",
            "must be a host name such as social.example.com, without https://, port and path",
        ),
        (
            "{redis: {managed: {}, external: {secretRef: {name: own}}}}",
            "must be managed or external, not both",
        ),
    ] {
        assert_eq!(created(spec), [sentence], "{spec}");
    }
}

#[test]
fn a_store_stays_with_who_runs_it() {
    let own = "{redis: {external: {secretRef: {name: own}}}}";
    let sentence = "redis cannot change between managed and external after creation: what it keeps would not come along";

    assert_eq!(changed("{}", own), [sentence]);
    assert_eq!(changed(own, "{redis: {managed: {}}}"), [sentence]);
    assert!(changed(own, "{redis: {external: {secretRef: {name: another}}}}").is_empty());
}
