//! The objects of a platform, one field each: whoever applies them takes the structs apart without `..`, so none is forgotten.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{ConfigMap, Secret, Service},
};

/// Everything a platform consists of, but for the credentials Secret, which is made once and never rendered over.
#[derive(Debug, Clone, PartialEq)]
pub struct Objects {
    /// The public keys that tokens are checked with.
    pub jwks: ConfigMap,
    pub mongodb: StoreObjects,
    pub redis: StoreObjects,
    pub rabbitmq: StoreObjects,
    pub identity: ServiceObjects,
    pub post: ServiceObjects,
    pub media: ServiceObjects,
    pub search: ServiceObjects,
    pub gateway: ServiceObjects,
}

/// A store: its settings and secrets as files, its stable address, its one pod with a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreObjects {
    pub secret: Secret,
    pub service: Service,
    pub stateful_set: StatefulSet,
}

/// One of our five services: what only it may know, its address, its pods.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceObjects {
    pub secret: Secret,
    pub service: Service,
    pub deployment: Deployment,
}
