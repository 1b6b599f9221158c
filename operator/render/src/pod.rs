//! What all our pods have in common: the `restricted` Pod Security Standard, and how they are placed and ended.

use k8s_openapi::{
    api::core::v1::{
        Capabilities, Container, EmptyDirVolumeSource, LocalObjectReference, PodSecurityContext,
        PodSpec, PodTemplateSpec, ResourceRequirements, SeccompProfile, SecretVolumeSource,
        SecurityContext, TopologySpreadConstraint, Volume, VolumeMount,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use operator_api::{Component, PullPolicy, WhenUnsatisfiable};

use crate::{
    config_hash::ConfigHash,
    labels, placement,
    platform::{Carried, ContainerResources, Placement, Spreading, ValidatedPlatform},
    quantity::ByteCount,
};

/// How long a pod may take to end, the pause before its end included.
pub const GRACE_SECONDS: i64 = 40;

/// How long a service finishes what runs.
pub(crate) const DRAIN_SECONDS: i64 = 20;

/// How long a pod goes on serving after its end was decided, while proxies learn that it is gone.
pub(crate) const PRE_STOP_SECONDS: i64 = 5;

/// How long a service settles what its requests left: events to publish, files to finish, messages to hand back.
const SETTLE_SECONDS: i64 = 10;

// A pod that needs longer than its grace period is killed amid its work.
const _: () = assert!(PRE_STOP_SECONDS + DRAIN_SECONDS + SETTLE_SECONDS < GRACE_SECONDS);

/// Files of a Secret are for their owner and the pod's group to read.
const SECRET_FILE_MODE: i32 = 0o440;

/// The user a pod runs as, who is also the group that its volumes belong to.
#[derive(Clone, Copy)]
pub(crate) struct RunAs(i64);

/// The user of our own images.
pub(crate) const SERVICE_USER: RunAs = RunAs(65532);

/// The user of the stores' official images, all three.
pub(crate) const STORE_USER: RunAs = RunAs(999);

/// What is special about the pods of a component.
pub(crate) struct Pod<'a> {
    pub config: ConfigHash,
    pub user: RunAs,
    pub placement: &'a Placement,
    pub carried: &'a Carried,
    pub container: Container,
    pub volumes: Vec<Volume>,
}

/// A pod of one container.
pub(crate) fn template(
    platform: &ValidatedPlatform,
    component: Component,
    pod: Pod<'_>,
) -> PodTemplateSpec {
    let Pod {
        config,
        user,
        placement,
        carried: Carried {
            labels,
            annotations,
        },
        container,
        volumes,
    } = pod;
    let Placement {
        node_selector,
        required_nodes,
        preferred_nodes,
        tolerations,
        spread,
        priority_class,
    } = placement;
    // Ours come last: what they say is relied upon.
    let labels = labels
        .clone()
        .into_iter()
        .chain(labels::labels(platform, component));
    let annotations = annotations.clone().into_iter().chain(config.annotations());

    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels.collect()),
            annotations: Some(annotations.collect()),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            containers: vec![container],
            volumes: Some(volumes),
            image_pull_secrets: pull_secrets(platform),
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            security_context: Some(pod_security(user)),
            termination_grace_period_seconds: Some(GRACE_SECONDS),
            topology_spread_constraints: Some(vec![kept_apart(platform, component, spread)]),
            node_selector: (!node_selector.is_empty()).then(|| node_selector.clone()),
            affinity: placement::affinity(required_nodes, preferred_nodes),
            tolerations: placement::tolerations(tolerations),
            priority_class_name: priority_class.clone(),
            ..PodSpec::default()
        }),
    }
}

pub(crate) fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: None,
        }),
        read_only_root_filesystem: Some(true),
        ..SecurityContext::default()
    }
}

pub(crate) fn resource_requirements(resources: &ContainerResources) -> ResourceRequirements {
    let ContainerResources {
        cpu_request,
        cpu_limit,
        memory_request,
        memory_limit,
    } = resources;
    let amounts = |cpu: k8s_openapi::apimachinery::pkg::api::resource::Quantity, memory| {
        Some([("cpu".to_owned(), cpu), ("memory".to_owned(), memory)].into())
    };

    ResourceRequirements {
        requests: amounts(cpu_request.quantity(), memory_request.quantity()),
        limits: amounts(cpu_limit.quantity(), memory_limit.quantity()),
        claims: None,
    }
}

pub(crate) fn pull_policy(platform: &ValidatedPlatform) -> Option<String> {
    let policy = match platform.images.pull_policy {
        PullPolicy::IfNotPresent => "IfNotPresent",
        PullPolicy::Always => "Always",
        PullPolicy::Never => "Never",
    };

    Some(policy.to_owned())
}

/// Files of a Secret. Keys that are not files of the program, such as connection strings, are left out by naming those that are.
pub(crate) fn secret_volume(volume: &str, secret: String, files: &[&str]) -> Volume {
    let items = files
        .iter()
        .map(|file| k8s_openapi::api::core::v1::KeyToPath {
            key: (*file).to_owned(),
            path: (*file).to_owned(),
            mode: None,
        })
        .collect();

    Volume {
        name: volume.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret),
            items: Some(items),
            default_mode: Some(SECRET_FILE_MODE),
            optional: None,
        }),
        ..Volume::default()
    }
}

/// A directory that is empty at the pod's start and goes with it.
pub(crate) fn scratch_volume(volume: &str, limit: ByteCount) -> Volume {
    Volume {
        name: volume.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(limit.quantity()),
            medium: None,
        }),
        ..Volume::default()
    }
}

pub(crate) fn read_only_mount(volume: &str, path: &str) -> VolumeMount {
    VolumeMount {
        read_only: Some(true),
        ..mount(volume, path)
    }
}

pub(crate) fn mount(volume: &str, path: &str) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        ..VolumeMount::default()
    }
}

fn pod_security(RunAs(id): RunAs) -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(id),
        run_as_group: Some(id),
        fs_group: Some(id),
        // A volume whose root is right is right: walking through it at every start takes minutes when it is large, and would open
        // files to the group that their programs want for themselves.
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        ..PodSecurityContext::default()
    }
}

fn pull_secrets(platform: &ValidatedPlatform) -> Option<Vec<LocalObjectReference>> {
    let names = &platform.images.pull_secrets;

    (!names.is_empty()).then(|| {
        names
            .iter()
            .map(|name| LocalObjectReference { name: name.clone() })
            .collect()
    })
}

/// Pods of a component are kept apart. Unless asked for more, a pod that shares a node beats a pod that waits for one.
fn kept_apart(
    platform: &ValidatedPlatform,
    component: Component,
    spread: &Spreading,
) -> TopologySpreadConstraint {
    let when_unsatisfiable = match spread.when_unsatisfiable {
        WhenUnsatisfiable::ScheduleAnyway => "ScheduleAnyway",
        WhenUnsatisfiable::DoNotSchedule => "DoNotSchedule",
    };

    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: spread.topology_key.clone(),
        when_unsatisfiable: when_unsatisfiable.to_owned(),
        label_selector: Some(labels::selector(platform, component)),
        ..TopologySpreadConstraint::default()
    }
}
