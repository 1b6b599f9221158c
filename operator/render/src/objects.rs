//! The objects of a platform, one field each: whoever applies them takes the structs apart without `..`, so none is forgotten.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    core::v1::{ConfigMap, Secret, Service},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};

use crate::foreign::{HttpRoute, PodMonitor};

/// Everything a platform consists of, but for the credentials Secret, which is made once and never rendered over.
///
/// What is `None` is not wanted, and goes if it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Objects {
    /// The public keys that tokens are checked with.
    pub jwks: ConfigMap,
    pub mongodb: Option<StoreObjects>,
    pub redis: Option<StoreObjects>,
    pub rabbitmq: Option<StoreObjects>,
    pub identity: ServiceObjects,
    pub post: ServiceObjects,
    pub media: ServiceObjects,
    pub search: ServiceObjects,
    pub gateway: ServiceObjects,
    pub ingress: Option<Ingress>,
    pub http_route: Option<HttpRoute>,
    pub pod_monitor: Option<PodMonitor>,
}

/// A store: its settings and secrets as files, its stable address, its one pod with a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreObjects {
    pub secret: Secret,
    pub service: Service,
    pub network_policy: Option<NetworkPolicy>,
    pub stateful_set: StatefulSet,
}

/// One of our five services: what only it may know, its address, its pods.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceObjects {
    pub secret: Secret,
    pub service: Service,
    pub network_policy: Option<NetworkPolicy>,
    pub disruption_budget: Option<PodDisruptionBudget>,
    pub deployment: Deployment,
    pub autoscaler: Option<HorizontalPodAutoscaler>,
}
