//! From a resource that may be anything to a platform that can be rendered: defaults filled in, quantities read, contradictions refused.

use operator_api::{
    Component, Exposure, ExposureType, ImagePullSecret, PullPolicy, Resources, Service,
    SocialPlatform, SocialPlatformSpec, Store,
    names::{self, MAX_PLATFORM_NAME},
};

use crate::{
    defaults::{self, ResourceDefaults, ServiceDefaults, StoreDefaults},
    quantity::{ByteCount, MilliCpus},
};

/// What a platform has when it does not say, and only the operator knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Tag of the services' images.
    pub version: String,
}

/// A resource that cannot be made, in a sentence for the person who wrote it.
///
/// The API server refuses nearly all of this by the schema; what comes through was stored under another schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct Invalid {
    /// Path of the field.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

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

/// Answers every question a resource leaves open, or says in one sentence why it cannot be made.
pub fn validate(
    platform: &SocialPlatform,
    defaults: &Defaults,
) -> Result<ValidatedPlatform, Invalid> {
    // Taken apart without `..`: a field of the resource that nothing reads would be a promise nobody keeps.
    let SocialPlatformSpec {
        version,
        images,
        gateway,
        identity,
        post,
        media,
        search,
        mongodb,
        redis,
        rabbitmq,
    } = &platform.spec;
    let images = images.clone().unwrap_or_default();
    let gateway = gateway.clone().unwrap_or_default();
    let gateway_pods = Service {
        replicas: gateway.replicas,
        resources: gateway.resources,
    };

    Ok(ValidatedPlatform {
        name: platform_name(platform)?,
        namespace: given_by_the_cluster(
            "metadata.namespace",
            platform.metadata.namespace.as_ref(),
        )?,
        uid: given_by_the_cluster("metadata.uid", platform.metadata.uid.as_ref())?,
        version: image_tag(version.as_ref().unwrap_or(&defaults.version))?,
        images: ImageSource {
            registry: images
                .registry
                .unwrap_or_else(|| defaults::REGISTRY.to_owned()),
            pull_policy: images.pull_policy.unwrap_or_default(),
            pull_secrets: images
                .pull_secrets
                .into_iter()
                .map(|ImagePullSecret { name }| name)
                .collect(),
        },
        gateway: service_shape("spec.gateway", Some(&gateway_pods))?,
        gateway_exposure: gateway_exposure(gateway.exposure.unwrap_or_default())?,
        identity: service_shape("spec.identity", identity.as_ref())?,
        post: service_shape("spec.post", post.as_ref())?,
        media: service_shape("spec.media", media.as_ref())?,
        search: service_shape("spec.search", search.as_ref())?,
        mongodb: store_shape("spec.mongodb", mongodb.as_ref(), &defaults::MONGODB)?,
        redis: store_shape("spec.redis", redis.as_ref(), &defaults::REDIS)?,
        rabbitmq: store_shape("spec.rabbitmq", rabbitmq.as_ref(), &defaults::RABBITMQ)?,
    })
}

fn platform_name(platform: &SocialPlatform) -> Result<String, Invalid> {
    let name = given_by_the_cluster("metadata.name", platform.metadata.name.as_ref())?;
    let starts_with_a_letter = name.starts_with(|first: char| first.is_ascii_lowercase());
    let ends_well = !name.ends_with('-');
    let is_plain = name
        .chars()
        .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-');
    if !(starts_with_a_letter && ends_well && is_plain && name.len() <= MAX_PLATFORM_NAME) {
        let problem = format!(
            "must start with a letter and consist of at most {MAX_PLATFORM_NAME} small letters, digits and hyphens: objects are named after it"
        );
        return Err(invalid("metadata.name", problem));
    }

    Ok(name)
}

fn given_by_the_cluster(field: &str, value: Option<&String>) -> Result<String, Invalid> {
    value.cloned().ok_or_else(|| {
        invalid(
            field,
            "is missing: the resource was not read from a cluster",
        )
    })
}

/// A version is an image tag and a label value at once.
fn image_tag(version: &str) -> Result<String, Invalid> {
    let is_plain = version
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || "._-".contains(char));
    let has_plain_ends = version.starts_with(|first: char| first.is_ascii_alphanumeric())
        && version.ends_with(|last: char| last.is_ascii_alphanumeric());
    if !(is_plain && has_plain_ends && version.len() <= 63) {
        let problem = format!(
            "must be an image tag of at most 63 letters, digits, dots, hyphens and underscores, not {version:?}"
        );
        return Err(invalid("spec.version", problem));
    }

    Ok(version.to_owned())
}

fn gateway_exposure(exposure: Exposure) -> Result<GatewayExposure, Invalid> {
    match (exposure.type_.unwrap_or_default(), exposure.node_port) {
        (ExposureType::ClusterIP, None) => Ok(GatewayExposure::ClusterIp),
        (ExposureType::ClusterIP, Some(_)) => Err(invalid(
            "spec.gateway.exposure.nodePort",
            "is only for type NodePort",
        )),
        (ExposureType::NodePort, port) => Ok(GatewayExposure::NodePort(port)),
    }
}

fn service_shape(field: &str, service: Option<&Service>) -> Result<ServiceShape, Invalid> {
    let Service {
        replicas,
        resources,
    } = service.cloned().unwrap_or_default();
    let ServiceDefaults {
        replicas: default_replicas,
        resources: default_resources,
    } = defaults::SERVICE;

    Ok(ServiceShape {
        replicas: replicas.unwrap_or(default_replicas),
        resources: container_resources(
            &format!("{field}.resources"),
            resources,
            &default_resources,
        )?,
    })
}

fn store_shape(
    field: &str,
    store: Option<&Store>,
    defaults: &StoreDefaults,
) -> Result<StoreShape, Invalid> {
    let managed = store
        .cloned()
        .unwrap_or_default()
        .managed
        .unwrap_or_default();
    let storage = managed.storage.unwrap_or_default();
    let size_field = format!("{field}.managed.storage.size");

    Ok(StoreShape {
        image: managed.image.unwrap_or_else(|| defaults.image.to_owned()),
        volume_size: storage
            .size
            .map_or(Ok(defaults.volume_size), |size| bytes(&size_field, &size.0))?,
        storage_class: storage.storage_class_name,
        resources: container_resources(
            &format!("{field}.managed.resources"),
            managed.resources,
            &defaults.resources,
        )?,
    })
}

/// What is given stands; a default that would contradict it moves out of its way.
fn container_resources(
    field: &str,
    given: Option<Resources>,
    defaults: &ResourceDefaults,
) -> Result<ContainerResources, Invalid> {
    let Resources { requests, limits } = given.unwrap_or_default();
    let (requests, limits) = (requests.unwrap_or_default(), limits.unwrap_or_default());

    let cpu = |side: &str, amount: Option<operator_api::Cpu>| {
        amount
            .map(|amount| cpus(&format!("{field}.{side}.cpu"), &amount.0))
            .transpose()
    };
    let memory = |side: &str, amount: Option<operator_api::Bytes>| {
        amount
            .map(|amount| bytes(&format!("{field}.{side}.memory"), &amount.0))
            .transpose()
    };
    let (cpu_request, cpu_limit) = request_and_limit(
        cpu("requests", requests.cpu)?,
        cpu("limits", limits.cpu)?,
        defaults.cpu_request,
        defaults.cpu_limit,
    );
    let (memory_request, memory_limit) = request_and_limit(
        memory("requests", requests.memory)?,
        memory("limits", limits.memory)?,
        defaults.memory_request,
        defaults.memory_limit,
    );

    if cpu_limit < cpu_request {
        return Err(invalid(
            &format!("{field}.limits.cpu"),
            "must not be below requests.cpu",
        ));
    }
    if memory_limit < memory_request {
        return Err(invalid(
            &format!("{field}.limits.memory"),
            "must not be below requests.memory",
        ));
    }
    if memory_limit < defaults.least_memory {
        let least = defaults.least_memory.quantity().0;
        return Err(invalid(
            &format!("{field}.limits.memory"),
            format!("must be at least {least}"),
        ));
    }

    Ok(ContainerResources {
        cpu_request,
        cpu_limit,
        memory_request,
        memory_limit,
    })
}

fn request_and_limit<T: Ord + Copy>(
    request: Option<T>,
    limit: Option<T>,
    default_request: T,
    default_limit: T,
) -> (T, T) {
    let request_or_default = request
        .unwrap_or_else(|| limit.map_or(default_request, |limit| limit.min(default_request)));
    let limit_or_default = limit.unwrap_or_else(|| default_limit.max(request_or_default));

    (request_or_default, limit_or_default)
}

fn cpus(field: &str, text: &str) -> Result<MilliCpus, Invalid> {
    MilliCpus::parse(text).ok_or_else(|| {
        invalid(
            field,
            format!("must be a number of processors such as 2, 0.5 or 250m, not {text:?}"),
        )
    })
}

fn bytes(field: &str, text: &str) -> Result<ByteCount, Invalid> {
    ByteCount::parse(text).ok_or_else(|| {
        invalid(
            field,
            format!("must be an amount with a unit such as 512Mi or 8Gi, not {text:?}"),
        )
    })
}

fn invalid(field: &str, problem: impl Into<String>) -> Invalid {
    Invalid {
        field: field.to_owned(),
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests;
