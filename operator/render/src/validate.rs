//! From a resource that may be anything to a platform that can be rendered: defaults filled in, quantities read, contradictions refused.

mod credentials;
mod gateway;
mod identity;
mod media;
mod pods;
mod resources;
mod surroundings;

use operator_api::{
    Bytes, ExternalStore, ImagePullSecret, Images, ManagedStore, Post, Resources, SecretRef,
    Service, ServicePods, SocialPlatform, SocialPlatformSpec, Store,
    bounds::LEAST_SERVICE_MEMORY,
    names::{MAX_PLATFORM_NAME, is_label_value},
};

use crate::{
    defaults::{self, StoreDefaults},
    platform::{
        ImageSource, Instance, PostShape, ServiceShape, StoreShape, StoreSource, ValidatedPlatform,
    },
};
use resources::{bytes, container_resources};

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

/// Answers every question a resource leaves open, or says in one sentence why it cannot be made.
pub fn validate(
    platform: &SocialPlatform,
    defaults: &Defaults,
) -> Result<ValidatedPlatform, Invalid> {
    // Taken apart without `..`: a field of the resource that nothing reads would be a promise nobody keeps.
    let SocialPlatformSpec {
        version,
        images,
        instance,
        gateway,
        identity,
        post,
        media,
        search,
        mongodb,
        redis,
        rabbitmq,
        network_policy,
        monitoring,
        deletion_policy,
        // Nothing is made of a platform while it is paused.
        paused: _,
        credentials,
    } = &platform.spec;
    let name = platform_name(platform)?;
    let instance = instance.clone().unwrap_or_default();
    let search = search.clone().unwrap_or_default();

    Ok(ValidatedPlatform {
        namespace: given_by_the_cluster(
            "metadata.namespace",
            platform.metadata.namespace.as_ref(),
        )?,
        uid: given_by_the_cluster("metadata.uid", platform.metadata.uid.as_ref())?,
        version: image_tag(version.as_ref().unwrap_or(&defaults.version))?,
        images: image_source(images.clone().unwrap_or_default()),
        instance: Instance {
            name: instance.name.unwrap_or_else(|| name.clone()),
            contact: instance.contact.unwrap_or_default(),
        },
        gateway: gateway::gateway(gateway.clone().unwrap_or_default())?,
        identity: identity::identity(identity.clone().unwrap_or_default())?,
        post: post_shape(post.clone().unwrap_or_default())?,
        media: media::media(media.clone().unwrap_or_default())?,
        search: search_shape(search)?,
        mongodb: store_source("spec.mongodb", mongodb.as_ref(), &defaults::MONGODB)?,
        redis: store_source("spec.redis", redis.as_ref(), &defaults::REDIS)?,
        rabbitmq: store_source("spec.rabbitmq", rabbitmq.as_ref(), &defaults::RABBITMQ)?,
        is_fenced: surroundings::is_fenced(network_policy.clone().unwrap_or_default()),
        pod_monitor: surroundings::pod_monitor(monitoring.clone().unwrap_or_default()),
        deletion_policy: deletion_policy.unwrap_or_default(),
        credentials: credentials::source(credentials.clone().unwrap_or_default())?,
        name,
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
    if !is_label_value(version) {
        let problem = format!(
            "must be an image tag of at most 63 letters, digits, dots, hyphens and underscores, not {version:?}"
        );
        return Err(invalid("spec.version", problem));
    }

    Ok(version.to_owned())
}

fn image_source(images: Images) -> ImageSource {
    let Images {
        registry,
        pull_policy,
        pull_secrets,
    } = images;

    ImageSource {
        registry: registry.unwrap_or_else(|| defaults::REGISTRY.to_owned()),
        pull_policy: pull_policy.unwrap_or_default(),
        pull_secrets: pull_secrets
            .into_iter()
            .map(|ImagePullSecret { name }| name)
            .collect(),
    }
}

fn post_shape(post: Post) -> Result<PostShape, Invalid> {
    let Post {
        pods,
        resources,
        page_cache_ttl_seconds,
    } = post;

    Ok(PostShape {
        pods: service_shape("spec.post", pods, resources)?,
        page_cache_ttl_seconds: page_cache_ttl_seconds.unwrap_or(defaults::PAGE_CACHE_TTL_SECONDS),
    })
}

fn search_shape(search: Service) -> Result<ServiceShape, Invalid> {
    let Service { pods, resources } = search;

    service_shape("spec.search", pods, resources)
}

/// How a service runs that needs no more than any other.
fn service_shape(
    field: &str,
    pods: ServicePods,
    resources: Option<Resources>,
) -> Result<ServiceShape, Invalid> {
    let resources = container_resources(
        &format!("{field}.resources"),
        resources,
        &defaults::SERVICE,
        LEAST_SERVICE_MEMORY,
    )?;

    pods::service(field, pods, resources)
}

fn store_source(
    field: &str,
    store: Option<&Store>,
    defaults: &StoreDefaults,
) -> Result<StoreSource, Invalid> {
    let Store { managed, external } = store.cloned().unwrap_or_default();

    match (managed, external) {
        (Some(_), Some(_)) => Err(invalid(field, "must be managed or external, not both")),
        (
            None,
            Some(ExternalStore {
                secret_ref: SecretRef { name },
            }),
        ) => Ok(StoreSource::External { secret: name }),
        (managed, None) => store_shape(field, managed.unwrap_or_default(), defaults)
            .map(|shape| StoreSource::Managed(Box::new(shape))),
    }
}

fn store_shape(
    field: &str,
    managed: ManagedStore,
    defaults: &StoreDefaults,
) -> Result<StoreShape, Invalid> {
    let field = format!("{field}.managed");
    let ManagedStore {
        image,
        storage,
        resources,
        traits,
    } = managed;
    let storage = storage.unwrap_or_default();
    let size = storage.size.map_or_else(
        || defaults.bounds.default_volume.to_owned(),
        |Bytes(size)| size,
    );
    let (placement, carried) = pods::traits(&field, traits)?;

    Ok(StoreShape {
        image: image.unwrap_or_else(|| defaults.image.to_owned()),
        volume_size: bytes(&format!("{field}.storage.size"), &size)?,
        storage_class: storage.storage_class_name,
        resources: container_resources(
            &format!("{field}.resources"),
            resources,
            &defaults.resources,
            defaults.bounds.least_memory,
        )?,
        placement,
        carried,
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
