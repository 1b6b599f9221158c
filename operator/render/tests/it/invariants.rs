//! What holds for every object of every platform.

use std::collections::BTreeSet;

use operator_render::{Credentials, Passwords, TokenKeys};
use serde_json::{Map, Value, json};

use crate::cases::{self, Object};

/// Longest name of an object that also is a DNS label.
const MAX_NAME: usize = 63;

/// Every case, and one with the longest name a platform may have.
fn platforms() -> Vec<Vec<Object>> {
    let mut longest = cases::resource("everything");
    longest.metadata.name = Some(format!("a{}", "-z".repeat(19) + "z"));
    assert_eq!(longest.metadata.name.as_ref().map(String::len), Some(40));

    cases::NAMES
        .into_iter()
        .map(cases::platform)
        .chain([cases::validated(&longest)])
        .map(|platform| cases::objects(&platform, &cases::credentials()))
        .collect()
}

fn for_every_object(check: impl Fn(&Object, &[Object])) {
    for objects in platforms() {
        for object in &objects {
            check(object, &objects);
        }
    }
}

/// Calls with every container, its pod's spec, and a name for messages.
fn for_every_container(check: impl Fn(&Value, &Value, &str)) {
    for_every_object(|object, _| {
        let Some(template) = object.pod_template() else {
            return;
        };
        let containers = template["spec"]["containers"].as_array().unwrap();
        assert_eq!(containers.len(), 1, "{}", object.name);
        for container in containers.iter().chain(init_containers(template)) {
            check(container, &template["spec"], &object.name);
        }
    });
}

fn init_containers(template: &Value) -> &[Value] {
    template["spec"]["initContainers"]
        .as_array()
        .map_or(&[], Vec::as_slice)
}

fn variables(container: &Value) -> &[Value] {
    container["env"].as_array().map_or(&[], Vec::as_slice)
}

fn is_part_of(part: &Value, whole: &Value) -> bool {
    let whole: &Map<_, _> = whole.as_object().unwrap();

    part.as_object()
        .unwrap()
        .iter()
        .all(|(key, value)| whole.get(key) == Some(value))
}

fn find<'a>(objects: &'a [Object], kind: &str, name: &Value) -> Option<&'a Object> {
    objects
        .iter()
        .find(|object| object.kind == kind && name == &object.name)
}

#[test]
fn rendering_twice_gives_the_same_bytes() {
    for case in cases::NAMES {
        let render = || {
            let objects = cases::objects(&cases::platform(case), &cases::credentials());
            objects
                .into_iter()
                .map(|object| object.yaml)
                .collect::<Vec<_>>()
        };

        assert_eq!(render(), render(), "{case}");
    }
}

#[test]
fn names_are_unique_and_fit_a_dns_label() {
    for objects in platforms() {
        let names: BTreeSet<_> = objects
            .iter()
            .map(|object| (object.kind, &object.name))
            .collect();
        assert_eq!(names.len(), objects.len());
        for object in &objects {
            // The pods of a StatefulSet carry its name, a hyphen and ten characters in a label.
            let appended = if object.kind == "StatefulSet" { 11 } else { 0 };
            assert!(
                object.name.len() + appended <= MAX_NAME,
                "{} {}",
                object.kind,
                object.name
            );
        }
    }
}

#[test]
fn everything_belongs_to_the_platform_but_what_must_outlive_it() {
    for_every_object(|object, _| {
        let metadata = &object.content["metadata"];
        let owner = &metadata["ownerReferences"][0];
        let outlives = object.name.ends_with("-credentials");

        assert_eq!(owner.is_null(), outlives, "{}", object.name);
        if !outlives {
            assert_eq!(owner["kind"], "SocialPlatform");
            assert_eq!(owner["controller"], true);
        }
        assert_eq!(
            object.labels()["app.kubernetes.io/managed-by"],
            "socialplatform-operator"
        );
        assert!(metadata["namespace"].is_string());
    });
}

#[test]
fn selectors_match_their_own_pods_and_no_others() {
    for objects in platforms() {
        let workloads: Vec<_> = objects
            .iter()
            .filter(|object| object.pod_template().is_some())
            .collect();
        let stores = workloads
            .iter()
            .filter(|workload| workload.kind == "StatefulSet");
        assert!([0, 3].contains(&stores.count()));
        assert!([5, 8].contains(&workloads.len()));
        for object in &objects {
            let selector = match object.kind {
                "Deployment" | "StatefulSet" => &object.content["spec"]["selector"]["matchLabels"],
                "Service" => &object.content["spec"]["selector"],
                _ => continue,
            };
            let matched: Vec<_> = workloads
                .iter()
                .filter(|workload| {
                    is_part_of(
                        selector,
                        &workload.pod_template().unwrap()["metadata"]["labels"],
                    )
                })
                .map(|workload| &workload.name)
                .collect();

            assert_eq!(matched, [&object.name], "{} {}", object.kind, object.name);
            assert!(
                selector.get("app.kubernetes.io/version").is_none(),
                "{}",
                object.name
            );
        }
    }
}

#[test]
fn services_lead_to_a_port_their_pods_have() {
    for_every_object(|object, objects| {
        if object.kind != "Service" {
            return;
        }
        let pods = objects
            .iter()
            .find(|other| other.name == object.name && other.pod_template().is_some())
            .unwrap();
        let open = pods.pod_template().unwrap()["spec"]["containers"][0]["ports"]
            .as_array()
            .unwrap();
        for port in object.content["spec"]["ports"].as_array().unwrap() {
            assert!(
                open.iter().any(|open| open["name"] == port["targetPort"]),
                "{}",
                object.name
            );
        }
    });
}

#[test]
fn every_secret_and_config_map_a_pod_reads_is_rendered() {
    for_every_object(|object, objects| {
        let Some(template) = object.pod_template() else {
            return;
        };
        let container = &template["spec"]["containers"][0];

        for volume in template["spec"]["volumes"].as_array().unwrap() {
            if let Some(source) = volume.get("secret") {
                let secret = find(objects, "Secret", &source["secretName"])
                    .expect("the Secret of a volume is rendered");
                for item in source["items"].as_array().unwrap() {
                    assert!(
                        secret.content["data"]
                            .get(item["key"].as_str().unwrap())
                            .is_some(),
                        "{item}"
                    );
                }
            }
            if let Some(source) = volume.get("configMap") {
                assert!(
                    find(objects, "ConfigMap", &source["name"]).is_some(),
                    "{source}"
                );
            }
        }
        for variable in variables(container) {
            if let Some(reference) = variable.pointer("/valueFrom/secretKeyRef") {
                let secret = find(objects, "Secret", &reference["name"])
                    .expect("the Secret of a variable is rendered");
                assert!(
                    secret.content["data"]
                        .get(reference["key"].as_str().unwrap())
                        .is_some(),
                    "{reference}"
                );
            }
        }
    });
}

#[test]
fn every_service_a_pod_is_told_of_is_rendered() {
    for_every_object(|object, objects| {
        let Some(template) = object.pod_template() else {
            return;
        };
        if object.kind == "StatefulSet" {
            assert!(
                find(objects, "Service", &object.content["spec"]["serviceName"]).is_some(),
                "{}",
                object.name
            );
        }
        for variable in variables(&template["spec"]["containers"][0]) {
            // Settings of other names may hold addresses of the user's.
            let is_ours = variable["name"]
                .as_str()
                .is_some_and(|name| name.ends_with("_URL"));
            let Some(host) = variable["value"]
                .as_str()
                .and_then(|value| value.strip_prefix("http://"))
                .filter(|_| is_ours)
            else {
                continue;
            };
            let (service, port) = host.split_once(':').unwrap();
            let service = find(objects, "Service", &json!(service))
                .expect("the Service of an address is rendered");
            assert_eq!(
                service.content["spec"]["ports"][0]["port"].to_string(),
                port
            );
        }
    });
}

#[test]
fn every_mount_has_its_volume_and_every_volume_a_mount() {
    for_every_object(|object, _| {
        let Some(template) = object.pod_template() else {
            return;
        };
        let names = |list: &Value| -> BTreeSet<String> {
            list.as_array()
                .into_iter()
                .flatten()
                .map(|item| item["name"].as_str().unwrap().to_owned())
                .collect()
        };
        let mut volumes = names(&template["spec"]["volumes"]);
        if let Some(claims) = object.content.pointer("/spec/volumeClaimTemplates") {
            volumes.extend(
                claims
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|claim| claim["metadata"]["name"].as_str().unwrap().to_owned()),
            );
        }

        let mut mounts = names(&template["spec"]["containers"][0]["volumeMounts"]);
        for container in init_containers(template) {
            mounts.extend(names(&container["volumeMounts"]));
        }
        assert_eq!(mounts, volumes, "{}", object.name);
    });
}

#[test]
fn every_pod_meets_the_restricted_standard() {
    for_every_container(|container, pod, name| {
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault",
            "{name}"
        );
        assert!(
            pod["securityContext"]["runAsUser"].as_i64() > Some(0),
            "{name}"
        );
        assert_eq!(
            container["securityContext"]["allowPrivilegeEscalation"], false,
            "{name}"
        );
        assert_eq!(
            container["securityContext"]["capabilities"],
            json!({ "drop": ["ALL"] }),
            "{name}"
        );
        assert_eq!(
            container["securityContext"]["readOnlyRootFilesystem"], true,
            "{name}"
        );
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        assert_eq!(pod["enableServiceLinks"], false, "{name}");
        for volume in pod["volumes"].as_array().unwrap() {
            let kinds: Vec<_> = volume
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != "name")
                .collect();
            assert!(
                ["secret", "configMap", "emptyDir"]
                    .iter()
                    .any(|kind| kinds == [kind]),
                "{name}: {kinds:?}"
            );
        }
    });
}

#[test]
fn every_container_has_requests_limits_and_probes() {
    for_every_container(|container, pod, name| {
        for side in ["requests", "limits"] {
            for resource in ["cpu", "memory"] {
                assert!(
                    container["resources"][side][resource].is_string(),
                    "{name}: {side} of {resource}"
                );
            }
        }
        // What runs once and ends is not probed.
        if container != &pod["containers"][0] {
            return;
        }
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            assert!(
                container[probe]["timeoutSeconds"].is_number(),
                "{name}: {probe}"
            );
        }
    });
}

#[test]
fn every_variable_is_set_once() {
    for_every_container(|container, _, name| {
        let variables = variables(container);
        let names: BTreeSet<_> = variables
            .iter()
            .map(|variable| variable["name"].as_str())
            .collect();

        assert_eq!(names.len(), variables.len(), "{name}");
    });
}

#[test]
fn secrets_are_in_secrets_only() {
    let Credentials {
        mongodb_keyfile,
        refresh_key,
        cursor_key,
        token_keys:
            TokenKeys {
                generation: _,
                signing_key_pem,
                jwks: _, // Public by its nature.
            },
        token_keys_stage: _,
        passwords:
            Passwords {
                generation: _,
                mongodb,
                rabbitmq,
                redis,
            },
        passwords_stage: _,
    } = cases::credentials();
    let secrets = [
        mongodb_keyfile,
        refresh_key,
        cursor_key,
        signing_key_pem.lines().nth(1).unwrap().to_owned(),
        mongodb.identity,
        mongodb.post,
        mongodb.media,
        mongodb.search,
        rabbitmq.password,
        rabbitmq.password_hash,
        redis,
    ];

    let storage_secrets = cases::STORAGE_SECRETS.map(|(_, secret)| secret.to_owned());

    for_every_object(|object, _| {
        if object.kind != "Secret" {
            for secret in secrets.iter().chain(&storage_secrets) {
                assert!(
                    !object.yaml.contains(secret.as_str()),
                    "{} {}",
                    object.kind,
                    object.name
                );
            }
        }
    });
}
