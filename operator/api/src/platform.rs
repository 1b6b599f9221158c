//! The resource itself: what a person may ask for. Everything left out has a default, so `spec: {}` is a complete platform.

use kube::{CustomResource, KubeSchema, core::Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    bounds::{self, LEAST_SERVICE_MEMORY, LEAST_VOLUME, StoreBounds},
    names::MAX_PLATFORM_NAME,
    quantity::Bytes,
    resources::Resources,
    status::SocialPlatformStatus,
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
    validation = name_is_a_dns_label(),
    validation = name_is_short(),
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
    validation = volume_size_is_fixed("mongodb", &bounds::MONGODB),
    validation = volume_size_is_fixed("redis", &bounds::REDIS),
    validation = volume_size_is_fixed("rabbitmq", &bounds::RABBITMQ),
    validation = storage_class_is_fixed("mongodb"),
    validation = storage_class_is_fixed("redis"),
    validation = storage_class_is_fixed("rabbitmq")
)]
pub struct SocialPlatformSpec {
    /// Tag of the services' images. Default: the operator's own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$")
    )]
    pub version: Option<String>,

    /// Where images come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Images>,

    /// The one way in: checks tokens and forwards each request to the service it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,

    /// Accounts, passwords and tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Service>,

    /// Posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<Service>,

    /// Pictures and other uploaded files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Service>,

    /// Search in posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Service>,

    /// The database of accounts, posts, files and the search index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = store_memory_is_enough(&bounds::MONGODB))]
    pub mongodb: Option<Store>,

    /// The cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = store_memory_is_enough(&bounds::REDIS))]
    pub redis: Option<Store>,

    /// The broker that carries events between services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = store_memory_is_enough(&bounds::RABBITMQ))]
    pub rabbitmq: Option<Store>,
}

/// Where images come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Images {
    /// Registry and path the services' images are under: `<registry>/gateway:<version>`. Default: `docker.io/socialplatform`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 255),
        regex(
            pattern = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$"
        )
    )]
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
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub name: String,
}

/// How the gateway runs and how it is reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = service_memory_is_enough())]
pub struct Gateway {
    /// Number of pods. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: Option<i32>,

    /// Requests and limits of each pod. Default: requests of 20m and 32Mi, limits of 1 processor and 256Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,

    /// How the gateway is reached from outside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
}

/// How the gateway is reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.nodePort) || (has(self.type) && self.type == 'NodePort')", "nodePort is only for type NodePort"))]
pub struct Exposure {
    /// `ClusterIP` is reached inside the cluster only, `NodePort` on a port of every node as well. Default: `ClusterIP`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<ExposureType>,

    /// The port of every node. Default: one that Kubernetes chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 30000, max = 32767))]
    pub node_port: Option<i32>,
}

/// Type of the gateway's Service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ExposureType {
    #[default]
    ClusterIP,
    NodePort,
}

/// How a service behind the gateway runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = service_memory_is_enough())]
pub struct Service {
    /// Number of pods. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: Option<i32>,

    /// Requests and limits of each pod. Default: requests of 20m and 32Mi, limits of 1 processor and 256Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// Where a store comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Store {
    /// The operator runs the store itself, one pod with a volume. Default: so, with the defaults of every field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedStore>,
}

/// A store that the operator runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedStore {
    /// Image with the server on its `PATH`. Default: `docker.io/library/mongo:6.0`, `docker.io/library/redis:8` or
    /// `docker.io/library/rabbitmq:4.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 512),
        regex(
            pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$"
        )
    )]
    pub image: Option<String>,

    /// The volume. It stays when the platform is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,

    /// Requests and limits of the pod. Default: requests of 100m and 256Mi for MongoDB, 20m and 32Mi for Redis, 50m and 192Mi for
    /// RabbitMQ; limits of 1 processor and 1Gi, 256Mi and 512Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// A store's volume. It cannot be changed after the platform was created.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = volume_is_large_enough())]
pub struct Storage {
    /// Size of the volume. Default: `8Gi` for MongoDB, `1Gi` for Redis, `2Gi` for RabbitMQ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,

    /// Storage class of the volume. Default: the cluster's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub storage_class_name: Option<String>,
}

fn name_is_a_dns_label() -> Rule {
    Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')").message(
        "metadata.name must start with a letter and consist of small letters, digits and hyphens: Services are named after it",
    )
}

fn name_is_short() -> Rule {
    Rule::new(format!("self.metadata.name.size() <= {MAX_PLATFORM_NAME}")).message(
        format!("metadata.name must not be longer than {MAX_PLATFORM_NAME} characters: objects are named after it").as_str(),
    )
}

/// A StatefulSet refuses a change of its volumes. The rule sits where it also sees a store that is mentioned for the first time, or
/// no more: a rule beside the field would not be asked then.
fn volume_size_is_fixed(store: &str, bounds: &StoreBounds) -> Rule {
    let size = |of: &str| {
        let given = field_or(
            of,
            &[store, "managed", "storage", "size"],
            bounds.default_volume,
        );
        format!("quantity({given})")
    };

    Rule::new(format!(
        "{}.compareTo({}) == 0",
        size("self"),
        size("oldSelf")
    ))
    .message(format!("{store}.managed.storage.size cannot be changed after creation").as_str())
}

fn storage_class_is_fixed(store: &str) -> Rule {
    let class = |of: &str| field_or(of, &[store, "managed", "storage", "storageClassName"], "");

    Rule::new(format!("{} == {}", class("self"), class("oldSelf"))).message(
        format!("{store}.managed.storage.storageClassName cannot be changed after creation")
            .as_str(),
    )
}

fn volume_is_large_enough() -> Rule {
    let size = field_or("self", &["size"], LEAST_VOLUME);

    Rule::new(is_at_least(&size, LEAST_VOLUME))
        .message(format!("size must be at least {LEAST_VOLUME}").as_str())
}

/// Below this the store would be ended for its memory before it served anyone.
fn store_memory_is_enough(bounds: &StoreBounds) -> Rule {
    memory_is_enough(
        &["managed", "resources", "limits", "memory"],
        bounds.least_memory,
    )
}

fn service_memory_is_enough() -> Rule {
    memory_is_enough(&["resources", "limits", "memory"], LEAST_SERVICE_MEMORY)
}

fn memory_is_enough(path: &[&str], least: &str) -> Rule {
    Rule::new(is_at_least(&field_or("self", path, least), least))
        .message(format!("{} must be at least {least}", path.join(".")).as_str())
}

fn is_at_least(quantity: &str, least: &str) -> String {
    format!("quantity({quantity}).compareTo(quantity('{least}')) >= 0")
}

/// A field below `of`, or `otherwise` when it or anything above it was left out.
///
/// Spelled out instead of with `?.` and `orValue`: the API server does not know how long a text from there is, takes the worst for
/// granted, and refuses the rule as too costly.
fn field_or(of: &str, path: &[&str], otherwise: &str) -> String {
    let mut field = of.to_owned();
    let mut is_given = Vec::new();
    for step in path {
        field = format!("{field}.{step}");
        is_given.push(format!("has({field})"));
    }

    format!("({} ? {field} : '{otherwise}')", is_given.join(" && "))
}
