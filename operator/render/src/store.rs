//! What the three stores have in common: a StatefulSet of one pod with a volume, and a headless Service.

use k8s_openapi::{
    api::{
        apps::v1::{
            StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
            StatefulSetUpdateStrategy,
        },
        core::v1::{
            Container, ContainerPort, EnvVar, PersistentVolumeClaim, PersistentVolumeClaimSpec,
            Service, ServicePort, ServiceSpec, Volume, VolumeMount, VolumeResourceRequirements,
        },
    },
    apimachinery::pkg::{apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};
use operator_api::{Component, names::object_name};

use crate::{
    config_hash::ConfigHash,
    labels,
    platform::{StoreShape, ValidatedPlatform},
    pod::{self, Pod, STORE_USER},
    probes::{self, Probes},
};

/// Name of the claim template, and so the first part of the name of each volume's claim.
const DATA_VOLUME: &str = "data";

/// A store's server, as far as it differs from the others.
pub(crate) struct Server<'a> {
    pub component: Component,
    pub shape: &'a StoreShape,
    pub command: Vec<String>,
    pub env: Vec<EnvVar>,
    pub port: Port,
    /// Where the volume is mounted.
    pub data_path: &'static str,
    /// How long the server may take to open its port, recovery of its volume included.
    pub startup_seconds: i32,
    /// What has to run to its end before the server starts.
    pub init_containers: Vec<Container>,
    pub volumes: Vec<Volume>,
    pub mounts: Vec<VolumeMount>,
    pub config: ConfigHash,
}

/// The port a store serves at.
#[derive(Clone, Copy)]
pub(crate) struct Port {
    pub name: &'static str,
    pub number: u16,
}

pub(crate) fn stateful_set(platform: &ValidatedPlatform, server: Server<'_>) -> StatefulSet {
    let Server {
        component,
        shape,
        command,
        env,
        port,
        data_path,
        startup_seconds,
        init_containers,
        volumes,
        mut mounts,
        config,
    } = server;
    let name = object_name(&platform.name, component);
    let Probes {
        startup,
        readiness,
        liveness,
    } = probes::of_store(port.name, startup_seconds);
    mounts.insert(0, pod::mount(DATA_VOLUME, data_path));
    let container = Container {
        name: component.to_string(),
        image: Some(shape.image.clone()),
        image_pull_policy: pod::pull_policy(platform),
        command: Some(command),
        ports: Some(vec![ContainerPort {
            name: Some(port.name.to_owned()),
            container_port: i32::from(port.number),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        env: (!env.is_empty()).then_some(env),
        volume_mounts: Some(mounts),
        resources: Some(pod::resource_requirements(&shape.resources)),
        startup_probe: Some(startup),
        readiness_probe: Some(readiness),
        liveness_probe: Some(liveness),
        security_context: Some(pod::container_security()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    };

    let mut template = pod::template(
        platform,
        component,
        Pod {
            config,
            user: STORE_USER,
            placement: &shape.placement,
            carried: &shape.carried,
            container,
            volumes,
        },
    );
    if let Some(pod) = template.spec.as_mut() {
        pod.init_containers = (!init_containers.is_empty()).then_some(init_containers);
    }

    StatefulSet {
        metadata: labels::owned(platform, component, name.clone()),
        spec: Some(StatefulSetSpec {
            replicas: Some(1),
            service_name: Some(name),
            selector: labels::selector(platform, component),
            template,
            volume_claim_templates: Some(vec![claim(platform, component, shape)]),
            // With the ordered policy a pod that never becomes ready blocks the template that would mend it.
            pod_management_policy: Some("Parallel".to_owned()),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: None,
            }),
            persistent_volume_claim_retention_policy: Some(what_becomes_of_volumes(platform)),
            ..StatefulSetSpec::default()
        }),
        status: None,
    }
}

/// Nobody scales a store to none to have its volume removed.
fn what_becomes_of_volumes(
    platform: &ValidatedPlatform,
) -> StatefulSetPersistentVolumeClaimRetentionPolicy {
    let when_deleted = if platform.leaves_nothing() {
        "Delete"
    } else {
        "Retain"
    };

    StatefulSetPersistentVolumeClaimRetentionPolicy {
        when_deleted: Some(when_deleted.to_owned()),
        when_scaled: Some("Retain".to_owned()),
    }
}

/// Gives each pod a name of its own, also before it is ready: who sets a store up must reach it first.
pub(crate) fn headless_service(
    platform: &ValidatedPlatform,
    component: Component,
    port: Port,
) -> Service {
    Service {
        metadata: labels::owned(platform, component, object_name(&platform.name, component)),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            cluster_ip: Some("None".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(labels::selector_labels(platform, component)),
            ports: Some(vec![ServicePort {
                name: Some(port.name.to_owned()),
                port: i32::from(port.number),
                target_port: Some(IntOrString::String(port.name.to_owned())),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// Claim templates cannot be changed, so they carry only labels that never do. They have no owner: the volume stays.
fn claim(
    platform: &ValidatedPlatform,
    component: Component,
    shape: &StoreShape,
) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(DATA_VOLUME.to_owned()),
            labels: Some(labels::selector_labels(platform, component)),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: shape.storage_class.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), shape.volume_size.quantity())].into()),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
