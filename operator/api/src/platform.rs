//! The resource itself: what a person may ask for. Everything left out has a default, so `spec: {}` is a complete platform.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    bounds,
    credentials::CredentialSource,
    gateway::Gateway,
    identity::Identity,
    media::{Media, MediaStorage, SecretRef},
    names::Component,
    pods::{PodTraits, ServicePods},
    post::Post,
    quantity::Bytes,
    resources::Resources,
    rules,
    status::SocialPlatformStatus,
    surroundings::{DeletionPolicy, Monitoring, NetworkPolicy},
};

/// What is wanted. Everything left out has a default: `{}` gives a complete small platform.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "socialplatform.io",
    version = "v1alpha1",
    kind = "SocialPlatform",
    plural = "socialplatforms",
    shortname = "sp",
    category = "all",
    namespaced,
    status = "SocialPlatformStatus",
    derive = "PartialEq",
    doc = "A social network: a gateway, the services behind it, and the stores they keep their data in. `spec: {}` gives a complete small one.",
    validation = rules::name_is_a_dns_label(),
    validation = rules::name_is_short(),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "Whether the platform answers and is as wanted"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why, in one word; docs/troubleshooting.md explains each"
    ),
    printcolumn(
        name = "Progress",
        type_ = "string",
        json_path = ".status.progress",
        description = "How many components are ready, and which are waited for"
    ),
    printcolumn(
        name = "Version",
        type_ = "string",
        json_path = ".status.version",
        description = "Version of the services"
    ),
    printcolumn(
        name = "URL",
        type_ = "string",
        json_path = ".status.url",
        description = "Address of the gateway inside the cluster"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rules::volume_size_is_fixed("mongodb", &bounds::MONGODB),
    validation = rules::volume_size_is_fixed("redis", &bounds::REDIS),
    validation = rules::volume_size_is_fixed("rabbitmq", &bounds::RABBITMQ),
    validation = rules::storage_class_is_fixed("mongodb"),
    validation = rules::storage_class_is_fixed("redis"),
    validation = rules::storage_class_is_fixed("rabbitmq"),
    validation = rules::store_is_fixed("mongodb"),
    validation = rules::store_is_fixed("redis"),
    validation = rules::store_is_fixed("rabbitmq"),
    validation = rules::kind_of_media_storage_is_fixed(),
    validation = rules::generation_never_falls("tokenKeysGeneration"),
    validation = rules::generation_never_falls("passwordsGeneration")
)]
pub struct SocialPlatformSpec {
    /// Tag of the services' images. A change reaches one service after the other. Default: the version the platform has, and at first
    /// the operator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::is_an_image_tag())]
    pub version: Option<String>,

    /// Where images come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Images>,

    /// What the platform tells people about itself at `/v1/instance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Instance>,

    /// The one way in: checks tokens and forwards each request to the service it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,

    /// Accounts, passwords and tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,

    /// Posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<Post>,

    /// Pictures and other uploaded files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,

    /// Search in posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Service>,

    /// The database of accounts, posts, files and the search index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::store_memory_is_enough(&bounds::MONGODB))]
    pub mongodb: Option<Store>,

    /// Rate limits, ended sessions and the page cache. While it is away, pages come from MongoDB, and each pod counts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::store_memory_is_enough(&bounds::REDIS))]
    pub redis: Option<Store>,

    /// The broker that carries events between services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::store_memory_is_enough(&bounds::RABBITMQ))]
    pub rabbitmq: Option<Store>,

    /// Who may reach the platform's pods, and whom they may reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_policy: Option<NetworkPolicy>,

    /// How the platform is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<Monitoring>,

    /// What becomes of the stores' volumes and the generated credentials when the platform is deleted: `Retain` leaves them, and a
    /// platform of the same name finds them again; `Delete` removes them too. Default: `Retain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// Whether the operator leaves everything as it is, for work by hand. The status is still kept. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,

    /// Passwords and keys: whose they are, and when they are replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialSource>,
}

impl SocialPlatformSpec {
    /// Whether the operator runs this component itself. Somebody else runs an external store.
    pub fn runs(&self, component: Component) -> bool {
        let store = match component {
            Component::MongoDb => &self.mongodb,
            Component::Redis => &self.redis,
            Component::RabbitMq => &self.rabbitmq,
            Component::Gateway
            | Component::Identity
            | Component::Post
            | Component::Media
            | Component::Search => return true,
        };

        store.as_ref().is_none_or(|store| store.external.is_none())
    }

    /// The components that the operator runs itself, in the order the status lists them.
    pub fn components(&self) -> impl Iterator<Item = Component> {
        Component::ALL
            .into_iter()
            .filter(|component| self.runs(*component))
    }

    /// Secrets of the user's own that are read: where files and stores are reached.
    pub fn secret_names(&self) -> Vec<&str> {
        let storage = self.media.as_ref().and_then(|media| media.storage.as_ref());
        let stores = [&self.mongodb, &self.redis, &self.rabbitmq];
        let external = stores
            .into_iter()
            .filter_map(|store| store.as_ref()?.external.as_ref());

        external
            .map(|external| external.secret_ref.name.as_str())
            .chain(storage.and_then(MediaStorage::secret_name))
            .collect()
    }
}

/// Where images come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Images {
    /// Registry and path the services' images are under: `<registry>/gateway:<version>`. Default: `docker.io/socialplatform`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = rules::is_a_registry())]
    pub registry: Option<String>,

    /// When a node fetches an image. Default: `IfNotPresent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_policy: Option<PullPolicy>,

    /// Secrets with which images are pulled, stores' included, in the platform's own namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub pull_secrets: Vec<ImagePullSecret>,
}

/// When a node fetches an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    #[default]
    IfNotPresent,
    Always,
    Never,
}

/// A Secret with a registry's credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImagePullSecret {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::is_an_object_name())]
    pub name: String,
}

/// What the platform tells people about itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// What people call it. Default: the resource's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    #[x_kube(validation = rules::is_one_line())]
    pub name: Option<String>,

    /// Where its owner is reached, such as an e-mail address or a web page. Everybody may read it. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    #[x_kube(validation = rules::is_one_line())]
    pub contact: Option<String>,
}

/// How the search service runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::service_memory_is_enough(),
    validation = rules::replicas_are_fixed_or_follow())]
pub struct Service {
    #[serde(flatten)]
    pub pods: ServicePods,

    /// Requests and limits of each pod. Default: requests of 20m and 32Mi, limits of 1 processor and 256Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// Where a store comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::store_is_one_of_two())]
pub struct Store {
    /// The operator runs the store itself, one pod with a volume. Default: so, with the defaults of every field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedStore>,

    /// The store is your own, wherever it runs. The operator never reaches it and never sends it credentials of its making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalStore>,
}

/// A store of your own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalStore {
    /// Secret in the platform's own namespace with connection strings: for MongoDB the keys `identity`, `post`, `media` and `search`,
    /// each with a database and a user of its own; for Redis and RabbitMQ the key `url`.
    pub secret_ref: SecretRef,
}

/// A store that the operator runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedStore {
    /// Image with the server on its `PATH`. Default: `docker.io/library/mongo:6.0`, `docker.io/library/redis:8` or
    /// `docker.io/library/rabbitmq:4.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::is_an_image())]
    pub image: Option<String>,

    /// The volume. It stays when the platform is deleted, unless `deletionPolicy` says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,

    /// Requests and limits of the pod. Default: requests of 100m and 256Mi for MongoDB, 20m and 32Mi for Redis, 50m and 192Mi for
    /// RabbitMQ; limits of 1 processor and 1Gi, 256Mi and 512Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,

    #[serde(flatten)]
    pub traits: PodTraits,
}

/// A store's volume. It cannot be changed after the platform was created.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::volume_is_large_enough())]
pub struct Storage {
    /// Size of the volume. Default: `8Gi` for MongoDB, `1Gi` for Redis, `2Gi` for RabbitMQ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,

    /// Storage class of the volume. Default: the cluster's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::is_an_object_name())]
    pub storage_class_name: Option<String>,
}
