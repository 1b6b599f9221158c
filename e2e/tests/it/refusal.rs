//! A bad resource is refused at once, with a sentence.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use e2e::{Namespace, in_namespace, on_shared_platform};
use kube::Resource;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::Status;
use operator_api::SocialPlatform;
use operator_api::manifests::crd;
use serde_json::{Value, json};

/// Names and specs that break one rule each, and the sentence that says so.
const BROKEN_RULES: [(&str, &str, &str); 58] = [
    (
        "demo",
        "{credentials: {existingSecret: own, tokenKeysGeneration: 2}}",
        "tokenKeysGeneration and passwordsGeneration are not for an existingSecret: its owner changes what is in it",
    ),
    (
        "demo",
        "{post: {replicas: 2, autoscaling: {maxReplicas: 3}}}",
        "replicas and autoscaling exclude each other: leave replicas out, minReplicas and maxReplicas bound it",
    ),
    (
        "demo",
        "{post: {autoscaling: {minReplicas: 4, maxReplicas: 3}}}",
        "minReplicas must not be above maxReplicas",
    ),
    (
        "demo",
        "{post: {scheduling: {requiredNodes: [{key: zone, operator: In}]}}}",
        "values must be given with In and NotIn, and left out with Exists and DoesNotExist",
    ),
    (
        "demo",
        "{post: {scheduling: {preferredNodes: [{key: zone, operator: Exists, values: [a]}]}}}",
        "values must be given with In and NotIn, and left out with Exists and DoesNotExist",
    ),
    (
        "demo",
        "{post: {scheduling: {tolerations: [{effect: NoSchedule}]}}}",
        "a toleration without key tolerates everything and needs the operator Exists",
    ),
    (
        "demo",
        "{post: {scheduling: {tolerations: [{key: a, operator: Exists, value: b}]}}}",
        "value is only for the operator Equal",
    ),
    (
        "demo",
        "{redis: {managed: {scheduling: {tolerations: [{key: a, effect: NoSchedule, tolerationSeconds: 1}]}}}}",
        "tolerationSeconds is only for the effect NoExecute",
    ),
    (
        "demo",
        "{gateway: {exposure: {ingress: {host: 'https://social.example.com'}}}}",
        "must be a host name such as social.example.com, without https://, port and path",
    ),
    (
        "demo",
        "{gateway: {exposure: {httpRoute: {parents: [{name: shared}], hostnames: ['social.example.com:8080']}}}}",
        "must be a host name such as social.example.com, without https://, port and path",
    ),
    (
        "demo",
        "{redis: {managed: {}, external: {secretRef: {name: own}}}}",
        "must be managed or external, not both",
    ),
    (
        "1demo",
        "{}",
        "metadata.name must start with a letter and consist of small letters, digits and hyphens: Services are named after it",
    ),
    (
        "de.mo",
        "{}",
        "metadata.name must start with a letter and consist of small letters, digits and hyphens: Services are named after it",
    ),
    (
        "a-name-of-one-more-than-forty-characters-",
        "{}",
        "metadata.name must not be longer than 40 characters: objects are named after it",
    ),
    (
        "demo",
        "{version: latest-}",
        "must be an image tag: letters, digits, dots, hyphens and underscores, with a letter or digit at both ends",
    ),
    (
        "demo",
        "{version: a b}",
        "must be an image tag: letters, digits, dots, hyphens and underscores, with a letter or digit at both ends",
    ),
    (
        "demo",
        "{images: {registry: 'https://registry.example.com'}}",
        "must be a registry and a path in it, such as registry.example.com:5000/social, without https:// and without a tag",
    ),
    (
        "demo",
        "{images: {registry: 'registry.example.com/social:1'}}",
        "must be a registry and a path in it, such as registry.example.com:5000/social, without https:// and without a tag",
    ),
    (
        "demo",
        "{mongodb: {managed: {image: 'https://registry.example.com/mongo'}}}",
        "must be an image, such as registry.example.com/mongo:6.0, without https://",
    ),
    (
        "demo",
        "{redis: {managed: {image: 'redis:8@sha256:0'}}}",
        "must be an image, such as registry.example.com/mongo:6.0, without https://",
    ),
    (
        "demo",
        "{rabbitmq: {managed: {image: 'a image'}}}",
        "must be an image, such as registry.example.com/mongo:6.0, without https://",
    ),
    (
        "demo",
        "{images: {pullSecrets: [{name: Keys}]}}",
        "must be the name of an object: small letters, digits, hyphens and dots, with a letter or digit at both ends",
    ),
    (
        "demo",
        "{mongodb: {managed: {storage: {storageClassName: -fast}}}}",
        "must be the name of an object: small letters, digits, hyphens and dots, with a letter or digit at both ends",
    ),
    (
        "demo",
        "{gateway: {exposure: {nodePort: 30080}}}",
        "nodePort is only for type NodePort",
    ),
    (
        "demo",
        "{gateway: {exposure: {type: ClusterIP, nodePort: 30080}}}",
        "nodePort is only for type NodePort",
    ),
    (
        "demo",
        "{post: {resources: {requests: {cpu: 2}, limits: {cpu: 1500m}}}}",
        "limits.cpu must not be below requests.cpu",
    ),
    (
        "demo",
        "{redis: {managed: {resources: {requests: {memory: 1Gi}, limits: {memory: 512Mi}}}}}",
        "limits.memory must not be below requests.memory",
    ),
    (
        "demo",
        "{gateway: {resources: {limits: {memory: 63Mi}}}}",
        "resources.limits.memory must be at least 64Mi",
    ),
    (
        "demo",
        "{identity: {resources: {limits: {memory: 63Mi}}}}",
        "resources.limits.memory must be at least 64Mi",
    ),
    (
        "demo",
        "{mongodb: {managed: {resources: {limits: {memory: 511Mi}}}}}",
        "managed.resources.limits.memory must be at least 512Mi",
    ),
    (
        "demo",
        "{redis: {managed: {resources: {limits: {memory: 63Mi}}}}}",
        "managed.resources.limits.memory must be at least 64Mi",
    ),
    (
        "demo",
        "{rabbitmq: {managed: {resources: {limits: {memory: 255Mi}}}}}",
        "managed.resources.limits.memory must be at least 256Mi",
    ),
    (
        "demo",
        "{redis: {managed: {storage: {size: 255Mi}}}}",
        "size must be at least 256Mi",
    ),
    (
        "demo",
        "{instance: {name: \"two\\nlines\"}}",
        "must be one line of text without control characters",
    ),
    (
        "demo",
        "{gateway: {cors: {allowedOrigins: ['https://app.example.com/']}}}",
        "must be * or origins as browsers spell them, such as https://app.example.com: scheme, host and port in small letters, without a path or a slash at the end",
    ),
    (
        "demo",
        "{gateway: {cors: {allowedOrigins: ['https://a.example.com,https://b.example.com']}}}",
        "must be * or origins as browsers spell them, such as https://app.example.com: scheme, host and port in small letters, without a path or a slash at the end",
    ),
    (
        "demo",
        "{gateway: {cors: {allowedOrigins: ['*', 'https://app.example.com']}}}",
        "* means every origin and must stand alone",
    ),
    (
        "demo",
        "{gateway: {cors: {allowedOrigins: ['https://a', 'https://a']}}}",
        "Duplicate value",
    ),
    (
        "demo",
        "{identity: {accessTokenTtlSeconds: 7200, refreshTokenTtlSeconds: 7200}}",
        "refreshTokenTtlSeconds must be greater than accessTokenTtlSeconds",
    ),
    (
        "demo",
        "{identity: {refreshTokenIdleSeconds: 3600}}",
        "refreshTokenIdleSeconds must be greater than accessTokenTtlSeconds and not greater than refreshTokenTtlSeconds",
    ),
    (
        "demo",
        "{identity: {refreshTokenTtlSeconds: 86400, refreshTokenIdleSeconds: 86401}}",
        "refreshTokenIdleSeconds must be greater than accessTokenTtlSeconds and not greater than refreshTokenTtlSeconds",
    ),
    (
        "demo",
        "{identity: {passwordHash: {memoryKib: 8192, iterations: 4}}}",
        "memoryKib times iterations must be at least 35840, the least that OWASP recommends for Argon2id",
    ),
    (
        "demo",
        "{identity: {passwordHash: {memoryKib: 262144}, resources: {limits: {cpu: 2, memory: 512Mi}}}}",
        "resources.limits.memory must be at least 32Mi and passwordHash.memoryKib for each whole processor of resources.limits.cpu: so many passwords are hashed at once",
    ),
    (
        "demo",
        "{media: {maxUploadBytes: 10485760, userQuotaBytes: 10485759}}",
        "userQuotaBytes must not be below maxUploadBytes",
    ),
    (
        "demo",
        "{media: {allowedTypes: [image/svg+xml]}}",
        "Unsupported value: \"image/svg+xml\"",
    ),
    (
        "demo",
        "{media: {storage: {}}}",
        "storage must be exactly one of gridfs, s3 and cloudinary",
    ),
    (
        "demo",
        "{media: {storage: {gridfs: {}, cloudinary: {secretRef: {name: keys}}}}}",
        "storage must be exactly one of gridfs, s3 and cloudinary",
    ),
    (
        "demo",
        "{media: {storage: {s3: {bucket: files}}}}",
        "spec.media.storage.s3.credentialsSecretRef: Required value",
    ),
    (
        "demo",
        "{media: {storage: {s3: {endpoint: 'http://minio/path', bucket: files, credentialsSecretRef: {name: keys}}}}}",
        "must be the address of a server, such as https://minio.example.com:9000, without a path",
    ),
    (
        "demo",
        "{media: {storage: {s3: {region: 'eu central', bucket: files, credentialsSecretRef: {name: keys}}}}}",
        "must be a region, such as eu-central-1: letters, digits and hyphens",
    ),
    (
        "demo",
        "{media: {storage: {s3: {bucket: Files, credentialsSecretRef: {name: keys}}}}}",
        "must be the name of a bucket: small letters, digits, hyphens and dots, with a letter or digit at both ends",
    ),
    (
        "demo",
        "{media: {storage: {cloudinary: {secretRef: {name: Keys}}}}}",
        "must be the name of an object: small letters, digits, hyphens and dots, with a letter or digit at both ends",
    ),
    (
        "demo",
        "{images: {pullSecrets: [{name: a}, {name: a}]}}",
        "Duplicate value",
    ),
    ("demo", "{gatway: {}}", "unknown field \"spec.gatway\""),
    (
        "demo",
        "{gateway: {replicas: three}}",
        "spec.gateway.replicas",
    ),
    (
        "demo",
        "{mongodb: {managed: {storage: {size: 8}}}}",
        "spec.mongodb.managed.storage.size",
    ),
    ("demo", "{images: []}", "spec.images"),
    (
        "demo",
        "{post: {resources: {limits: {cpu: 0}}}}",
        "limits.cpu",
    ),
];

/// Changes of a running platform that cannot be made, and the sentence that says so.
const FIXED: [(&str, &str); 10] = [
    (
        "{mongodb: {external: {secretRef: {name: own}}}}",
        "mongodb cannot change between managed and external after creation: what it keeps would not come along",
    ),
    (
        "{redis: {external: {secretRef: {name: own}}}}",
        "redis cannot change between managed and external after creation: what it keeps would not come along",
    ),
    (
        "{rabbitmq: {external: {secretRef: {name: own}}}}",
        "rabbitmq cannot change between managed and external after creation: what it keeps would not come along",
    ),
    (
        "{mongodb: {managed: {storage: {size: 16Gi}}}}",
        "mongodb.managed.storage.size cannot be changed after creation",
    ),
    (
        "{redis: {managed: {storage: {size: 2Gi}}}}",
        "redis.managed.storage.size cannot be changed after creation",
    ),
    (
        "{rabbitmq: {managed: {storage: {size: 512Mi}}}}",
        "rabbitmq.managed.storage.size cannot be changed after creation",
    ),
    (
        "{mongodb: {managed: {storage: {storageClassName: other}}}}",
        "mongodb.managed.storage.storageClassName cannot be changed after creation",
    ),
    (
        "{redis: {managed: {storage: {storageClassName: other}}}}",
        "redis.managed.storage.storageClassName cannot be changed after creation",
    ),
    (
        "{rabbitmq: {managed: {storage: {storageClassName: other}}}}",
        "rabbitmq.managed.storage.storageClassName cannot be changed after creation",
    ),
    (
        "{media: {storage: {cloudinary: {secretRef: {name: keys}}}}}",
        "media.storage cannot be changed to another kind after creation: files stay where they were put",
    ),
];

/// What only rises, by a change that lowers it.
const RISING: [(&str, &str); 2] = [
    (
        "tokenKeysGeneration",
        "credentials.tokenKeysGeneration cannot be lowered: what was replaced does not come back",
    ),
    (
        "passwordsGeneration",
        "credentials.passwordsGeneration cannot be lowered: what was replaced does not come back",
    ),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn what_only_rises_is_not_lowered() -> Result<()> {
    in_namespace("rising", async |namespace| {
        // Paused, so that nothing is made of it.
        let spec = json!({
            "paused": true,
            "credentials": { "tokenKeysGeneration": 2, "passwordsGeneration": 2 },
        });
        let resource = SocialPlatform::new("demo", serde_json::from_value(spec)?);
        let resources = namespace.api::<SocialPlatform>();
        resources.create(&PostParams::default(), &resource).await?;
        for (field, sentence) in RISING {
            let change = json!({ "spec": { "credentials": { field: 1 } } });
            let merge = Patch::Merge(&change);
            let answer = resources
                .patch("demo", &PatchParams::default(), &merge)
                .await;
            let refused = refused(answer, &change)?;
            ensure!(
                refused.message.contains(sentence),
                "{field} was refused with: {}",
                refused.message
            );
        }

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_bad_resource_is_refused_with_a_sentence() -> Result<()> {
    in_namespace("refusal", async |namespace| {
        for (name, spec, sentence) in BROKEN_RULES {
            let refused = refusal(namespace, name, &serde_yaml::from_str(spec)?).await?;
            ensure!(
                refused.message.contains(sentence),
                "{name} with {spec} was refused with: {}",
                refused.message
            );
        }

        Ok(())
    })
    .await
}

/// Every bound of the schema, by a value just beyond it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_value_beyond_a_bound_is_refused_by_the_name_of_its_field() -> Result<()> {
    in_namespace("bounds", async |namespace| {
        let beyond = values_beyond_bounds()?;
        for (path, spec) in &beyond {
            let refused = refusal(namespace, "demo", spec).await?;
            ensure!(
                refused.message.contains(path.as_str()),
                "{spec} was refused without naming {path}: {}",
                refused.message
            );
        }
        println!("{} values beyond a bound were refused", beyond.len());

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn what_cannot_be_changed_is_refused_with_a_sentence() -> Result<()> {
    on_shared_platform("fixed", async |platform| {
        let resources = platform.resources();
        for (spec, sentence) in FIXED {
            let change = json!({ "spec": serde_yaml::from_str::<Value>(spec)? });
            let dry_run = PatchParams::default().dry_run();
            let merge = Patch::Merge(&change);
            let answer = resources.patch("demo", &dry_run, &merge).await;
            let refused = refused(answer, &change)?;
            ensure!(
                refused.message.contains(sentence),
                "{spec} was refused with: {}",
                refused.message
            );
        }

        Ok(())
    })
    .await
}

/// A rule without a row above would be one nobody has seen at work.
#[test]
fn every_rule_of_the_schema_is_tried() {
    let sentences: BTreeSet<_> = BROKEN_RULES
        .iter()
        .map(|(_, _, sentence)| *sentence)
        .chain(FIXED.iter().map(|(_, sentence)| *sentence))
        .chain(RISING.iter().map(|(_, sentence)| *sentence))
        .map(str::to_owned)
        .collect();
    let mut rules = BTreeSet::new();
    collect_rules(&schema().unwrap(), &mut rules);

    assert!(!rules.is_empty());
    let untried: Vec<_> = rules.difference(&sentences).collect();
    assert!(untried.is_empty(), "{untried:?}");
}

/// The API server's refusal of a resource it is asked to take, as `kubectl create --dry-run=server` asks.
async fn refusal(namespace: &Namespace, name: &str, spec: &Value) -> Result<Status> {
    let resource = json!({
        "apiVersion": SocialPlatform::api_version(&()),
        "kind": SocialPlatform::kind(&()),
        "metadata": { "name": name },
        "spec": spec,
    });
    let path = SocialPlatform::url_path(&(), Some(&namespace.name));
    let request = http::Request::post(format!("{path}?dryRun=All&fieldValidation=Strict"))
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&resource)?)?;
    let answer = namespace.cluster.client.request::<Value>(request).await;

    refused(answer, spec)
}

fn refused<K>(answer: kube::Result<K>, what: &Value) -> Result<Status> {
    match answer {
        Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => Ok(*status),
        Err(error) => Err(error).with_context(|| format!("{what} was not refused but failed")),
        Ok(_) => bail!("{what} was accepted"),
    }
}

/// The schema of a `SocialPlatform`.
fn schema() -> Result<Value> {
    let versions = crd().spec.versions;
    let version = versions.into_iter().next().context("one version")?;
    let schema = version.schema.and_then(|schema| schema.open_api_v3_schema);

    Ok(serde_json::to_value(schema.context("a schema")?)?)
}

fn collect_rules(schema: &Value, rules: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            let here = fields.get("x-kubernetes-validations");
            for rule in here.and_then(Value::as_array).into_iter().flatten() {
                rules.insert(rule["message"].as_str().unwrap_or_default().to_owned());
            }
            fields
                .values()
                .for_each(|field| collect_rules(field, rules));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_rules(item, rules)),
        _ => {}
    }
}

/// A spec per bound, with the path of the field that is beyond it.
fn values_beyond_bounds() -> Result<Vec<(String, Value)>> {
    let schema = schema()?;
    let spec = &schema["properties"]["spec"];
    let mut found = Vec::new();
    walk(spec, "spec", &|value| value, &mut found);
    ensure!(!found.is_empty(), "the schema has no bounds");

    Ok(found)
}

/// `within` puts a value of this field into a whole spec.
fn walk(
    schema: &Value,
    path: &str,
    within: &dyn Fn(Value) -> Value,
    found: &mut Vec<(String, Value)>,
) {
    for value in beyond(schema) {
        found.push((path.to_owned(), within(value)));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let inside = |value| within(json!({ name: value }));
        walk(field, &format!("{path}.{name}"), &inside, found);
    }
    if schema["items"].is_object() {
        let inside = |value| within(json!([value]));
        walk(&schema["items"], &format!("{path}[0]"), &inside, found);
    }
}

/// Values just beyond what one field accepts.
fn beyond(schema: &Value) -> Vec<Value> {
    let number = |bound: &str| schema[bound].as_f64();
    let length = |bound: &str| {
        schema[bound]
            .as_u64()
            .and_then(|it| usize::try_from(it).ok())
    };
    let mut values = Vec::new();
    if let Some(minimum) = number("minimum") {
        values.push(json!(minimum as i64 - 1));
    }
    if let Some(maximum) = number("maximum") {
        values.push(json!(maximum as i64 + 1));
    }
    if let Some(minimum) = length("minLength") {
        values.push(json!("1".repeat(minimum - 1)));
    }
    if let Some(maximum) = length("maxLength") {
        values.push(json!("1".repeat(maximum + 1)));
    }
    if length("minItems").is_some_and(|minimum| minimum > 0) {
        values.push(json!([]));
    }
    if let Some(maximum) = length("maxItems") {
        let is_object = schema["items"]["type"] == "object";
        let item = |number| match is_object {
            true => json!({ "name": format!("item{number}") }),
            false => json!(format!("item{number}")),
        };
        values.push((0..=maximum).map(item).collect());
    }
    if schema["pattern"].is_string() {
        values.push(json!("!"));
    }
    if schema["enum"].is_array() {
        values.push(json!("Nonsense"));
    }

    values
}
