//! What the five services of ours have in common: one Deployment and one Service each.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{
            Container, ContainerPort, EnvVar, Lifecycle, LifecycleHandler, Service, ServicePort,
            ServiceSpec, SleepAction, Volume, VolumeMount,
        },
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use operator_api::{
    Component,
    names::{ADMIN_PORT, HTTP_PORT, REPLICA_SET, mongodb_member, object_name},
};

use crate::{
    config_hash::ConfigHash,
    labels,
    platform::{ServiceShape, ValidatedPlatform},
    pod::{self, PRE_STOP_SECONDS, SERVICE_USER},
    probes::{self, Probes},
};

/// How many old versions of a Deployment are kept to go back to.
const REVISIONS_KEPT: i32 = 5;

/// How long a rollout may go without progress before it counts as stuck.
const PROGRESS_DEADLINE_SECONDS: i32 = 300;

/// What tells one service's pods from another's.
pub(crate) struct Program {
    pub component: Component,
    pub shape: ServiceShape,
    pub env: Vec<EnvVar>,
    pub volumes: Vec<Volume>,
    pub mounts: Vec<VolumeMount>,
    pub config: ConfigHash,
}

pub(crate) fn deployment(platform: &ValidatedPlatform, program: Program) -> Deployment {
    let Program {
        component,
        shape,
        env,
        volumes,
        mounts,
        config,
    } = program;
    let container = container(platform, component, &shape, env, mounts);

    Deployment {
        metadata: labels::owned(platform, component, object_name(&platform.name, component)),
        spec: Some(DeploymentSpec {
            replicas: Some(shape.replicas),
            selector: labels::selector(platform, component),
            template: pod::template(
                platform,
                component,
                config,
                SERVICE_USER,
                container,
                volumes,
            ),
            strategy: Some(one_more_then_one_less()),
            revision_history_limit: Some(REVISIONS_KEPT),
            progress_deadline_seconds: Some(PROGRESS_DEADLINE_SECONDS),
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// The Service before a component's pods. The admin port has none: health and metrics are asked of each pod.
pub(crate) fn service(platform: &ValidatedPlatform, component: Component) -> Service {
    Service {
        metadata: labels::owned(platform, component, object_name(&platform.name, component)),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::selector_labels(platform, component)),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port: i32::from(HTTP_PORT),
                target_port: Some(IntOrString::String("http".to_owned())),
                protocol: Some("TCP".to_owned()),
                app_protocol: Some("http".to_owned()),
                node_port: None,
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// Connection string of a service's own database, in which its user is defined too.
pub(crate) fn mongodb_url(
    platform: &ValidatedPlatform,
    component: Component,
    password: &str,
) -> String {
    let member = mongodb_member(&platform.namespace, &platform.name);

    format!(
        "mongodb://{component}:{password}@{member}/{component}?replicaSet={REPLICA_SET}&authSource={component}&authMechanism=SCRAM-SHA-256"
    )
}

fn container(
    platform: &ValidatedPlatform,
    component: Component,
    shape: &ServiceShape,
    env: Vec<EnvVar>,
    mounts: Vec<VolumeMount>,
) -> Container {
    let Probes {
        startup,
        readiness,
        liveness,
    } = probes::of_service();
    let port = |name: &str, number: u16| ContainerPort {
        name: Some(name.to_owned()),
        container_port: i32::from(number),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    };

    Container {
        name: component.to_string(),
        image: Some(format!(
            "{}/{component}:{}",
            platform.images.registry, platform.version
        )),
        image_pull_policy: pod::pull_policy(platform),
        command: Some(vec![format!("/usr/local/bin/{component}")]),
        ports: Some(vec![port("http", HTTP_PORT), port("admin", ADMIN_PORT)]),
        env: Some(env),
        volume_mounts: Some(mounts),
        resources: Some(pod::resource_requirements(&shape.resources)),
        startup_probe: Some(startup),
        readiness_probe: Some(readiness),
        liveness_probe: Some(liveness),
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction {
                    seconds: PRE_STOP_SECONDS,
                }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        security_context: Some(pod::container_security()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

/// A new pod is ready before an old one goes, so a platform of one pod each is rolled without a pause.
fn one_more_then_one_less() -> DeploymentStrategy {
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_unavailable: Some(IntOrString::Int(0)),
            max_surge: Some(IntOrString::Int(1)),
        }),
    }
}
