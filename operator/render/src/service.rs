//! What the five services of ours have in common: one Deployment and one Service each.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        autoscaling::v2::{
            CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec,
            MetricSpec, MetricTarget, ResourceMetricSource,
        },
        core::v1::{
            Container, ContainerPort, EnvVar, Lifecycle, LifecycleHandler, Secret, Service,
            ServicePort, ServiceSpec, SleepAction, Volume, VolumeMount,
        },
        policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use operator_api::{
    Component,
    names::{ADMIN_PORT, HTTP_PORT, object_name},
};

use crate::{
    config_hash::ConfigHash,
    labels, network_policy,
    objects::ServiceObjects,
    platform::{Scale, ServiceShape, ValidatedPlatform},
    pod::{self, PRE_STOP_SECONDS, Pod, SERVICE_USER},
    probes::{self, Probes},
};

/// Name of the port of every service's public API.
pub(crate) const HTTP: &str = "http";

/// Name of the port of every service's health and metrics.
pub(crate) const ADMIN: &str = "admin";

/// How many old versions of a Deployment are kept to go back to.
const REVISIONS_KEPT: i32 = 5;

/// How long a rollout may go without progress before it counts as stuck.
const PROGRESS_DEADLINE_SECONDS: i32 = 300;

/// What tells one service's pods from another's.
pub(crate) struct Program<'a> {
    pub component: Component,
    pub shape: &'a ServiceShape,
    pub env: Vec<EnvVar>,
    pub volumes: Vec<Volume>,
    pub mounts: Vec<VolumeMount>,
    pub config: ConfigHash,
}

/// Everything of a service but what is special about it.
pub(crate) fn objects(
    platform: &ValidatedPlatform,
    secret: Secret,
    program: Program<'_>,
) -> ServiceObjects {
    let component = program.component;
    let scale = program.shape.scale;

    ServiceObjects {
        secret,
        service: service(platform, component),
        network_policy: network_policy::of(platform, component),
        disruption_budget: disruption_budget(platform, component, scale),
        deployment: deployment(platform, program),
        autoscaler: autoscaler(platform, component, scale),
    }
}

/// Drains of nodes leave all pods but one in place. A single pod has none: it would hold up every drain.
fn disruption_budget(
    platform: &ValidatedPlatform,
    component: Component,
    scale: Scale,
) -> Option<PodDisruptionBudget> {
    (scale.most() > 1).then(|| PodDisruptionBudget {
        metadata: labels::owned(platform, component, object_name(&platform.name, component)),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(labels::selector(platform, component)),
            // A pod that is not ready serves nobody, and may hold up the drain that would mend it.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    })
}

fn autoscaler(
    platform: &ValidatedPlatform,
    component: Component,
    scale: Scale,
) -> Option<HorizontalPodAutoscaler> {
    let Scale::Between {
        least,
        most,
        cpu_percent,
    } = scale
    else {
        return None;
    };
    let name = object_name(&platform.name, component);

    Some(HorizontalPodAutoscaler {
        metadata: labels::owned(platform, component, name.clone()),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name,
            },
            min_replicas: Some(least),
            max_replicas: most,
            metrics: Some(vec![MetricSpec {
                type_: "Resource".to_owned(),
                resource: Some(ResourceMetricSource {
                    name: "cpu".to_owned(),
                    target: MetricTarget {
                        type_: "Utilization".to_owned(),
                        average_utilization: Some(cpu_percent),
                        ..MetricTarget::default()
                    },
                }),
                ..MetricSpec::default()
            }]),
            behavior: None,
        }),
        status: None,
    })
}

fn deployment(platform: &ValidatedPlatform, program: Program<'_>) -> Deployment {
    let Program {
        component,
        shape,
        env,
        volumes,
        mounts,
        config,
    } = program;
    let container = container(platform, component, shape, env, mounts);

    Deployment {
        metadata: labels::owned(platform, component, object_name(&platform.name, component)),
        spec: Some(DeploymentSpec {
            // Whoever scales it decides, once the operator does not.
            replicas: match shape.scale {
                Scale::Fixed(replicas) => Some(replicas),
                Scale::Between { .. } => None,
            },
            selector: labels::selector(platform, component),
            template: pod::template(
                platform,
                component,
                Pod {
                    config,
                    user: SERVICE_USER,
                    placement: &shape.placement,
                    carried: &shape.carried,
                    container,
                    volumes,
                },
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
                name: Some(HTTP.to_owned()),
                port: i32::from(HTTP_PORT),
                target_port: Some(IntOrString::String(HTTP.to_owned())),
                protocol: Some("TCP".to_owned()),
                app_protocol: Some("http".to_owned()),
                node_port: None,
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
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
        ports: Some(vec![port(HTTP, HTTP_PORT), port(ADMIN, ADMIN_PORT)]),
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
