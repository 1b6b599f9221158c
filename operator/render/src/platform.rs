//! A platform with every question answered: what rendering starts from.

use operator_api::{Component, PullPolicy, names};

use crate::quantity::{ByteCount, MilliCpus};

/// A platform with every question answered. Nothing behind this type checks anything again.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidatedPlatform {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) version: String,
    pub(crate) images: ImageSource,
    pub(crate) gateway: ServiceShape,
    pub(crate) gateway_exposure: GatewayExposure,
    pub(crate) identity: ServiceShape,
    pub(crate) post: ServiceShape,
    pub(crate) media: ServiceShape,
    pub(crate) search: ServiceShape,
    pub(crate) mongodb: StoreShape,
    pub(crate) redis: StoreShape,
    pub(crate) rabbitmq: StoreShape,
}

/// Where images come from and how they are fetched.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImageSource {
    pub registry: String,
    pub pull_policy: PullPolicy,
    pub pull_secrets: Vec<String>,
}

/// How the gateway's Service is exposed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum GatewayExposure {
    ClusterIp,
    /// A port of every node; none means one that Kubernetes chooses.
    NodePort(Option<i32>),
}

/// How one of our services runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ServiceShape {
    pub replicas: i32,
    pub resources: ContainerResources,
}

/// How a managed store runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoreShape {
    pub image: String,
    pub volume_size: ByteCount,
    pub storage_class: Option<String>,
    pub resources: ContainerResources,
}

/// Requests and limits, the limits never below the requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ContainerResources {
    pub cpu_request: MilliCpus,
    pub cpu_limit: MilliCpus,
    pub memory_request: ByteCount,
    pub memory_limit: ByteCount,
}

impl ValidatedPlatform {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Tag of the services' images.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Address of the gateway inside the cluster.
    pub fn url(&self) -> String {
        names::gateway_url(&self.namespace, &self.name)
    }

    /// Number of pods wanted of a component.
    pub fn replicas(&self, component: Component) -> i32 {
        match component {
            Component::Gateway => self.gateway.replicas,
            Component::Identity => self.identity.replicas,
            Component::Post => self.post.replicas,
            Component::Media => self.media.replicas,
            Component::Search => self.search.replicas,
            Component::MongoDb | Component::Redis | Component::RabbitMq => 1,
        }
    }
}
