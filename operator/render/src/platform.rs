//! A platform with every question answered: what rendering starts from.

use operator_api::{Component, MediaType, PullPolicy, names};

use crate::quantity::{ByteCount, MilliCpus};

/// A platform with every question answered. Nothing behind this type checks anything again.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidatedPlatform {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) version: String,
    pub(crate) images: ImageSource,
    pub(crate) instance: Instance,
    pub(crate) gateway: GatewayShape,
    pub(crate) identity: IdentityShape,
    pub(crate) post: PostShape,
    pub(crate) media: MediaShape,
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

/// What the platform tells people about itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Instance {
    pub name: String,
    pub contact: String,
}

/// How the gateway runs, and whom it lets through.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GatewayShape {
    pub pods: ServiceShape,
    pub exposure: GatewayExposure,
    /// What each client may send.
    pub quota: Quota,
    /// What of it may be registering, logging in and refreshing tokens.
    pub auth_quota: Quota,
    /// In order, each once. Empty means that browsers keep other origins out.
    pub allowed_origins: Vec<String>,
    pub trusted_hops: i32,
}

/// How many requests: so many at once, and so many in each minute on the whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quota {
    pub per_minute: i32,
    pub burst: i32,
}

/// How the gateway's Service is exposed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum GatewayExposure {
    ClusterIp,
    /// A port of every node; none means one that Kubernetes chooses.
    NodePort(Option<i32>),
}

/// How identity runs. Access tokens end before idle sessions, and those before the longest session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IdentityShape {
    pub pods: ServiceShape,
    pub access_token_ttl_seconds: i32,
    pub refresh_token_idle_seconds: i32,
    pub refresh_token_ttl_seconds: i32,
    pub password_hash: PasswordHash,
    pub password_min_length: i32,
}

/// Parameters of Argon2id.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PasswordHash {
    pub memory_kib: i32,
    pub iterations: i32,
    pub parallelism: i32,
}

/// How post runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PostShape {
    pub pods: ServiceShape,
    pub page_cache_ttl_seconds: i32,
}

/// How media runs. The quota holds the largest upload.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MediaShape {
    pub pods: ServiceShape,
    pub max_upload_bytes: i64,
    /// In order, each once, and at least one.
    pub allowed_types: Vec<MediaType>,
    pub unclaimed_upload_ttl_seconds: i32,
    pub user_quota_bytes: i64,
    pub storage: MediaStorage,
}

/// Where files are kept. Secrets are those of the user, by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MediaStorage {
    GridFs,
    S3 {
        endpoint: String,
        region: String,
        bucket: String,
        secret: String,
    },
    Cloudinary {
        secret: String,
    },
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
            Component::Gateway => self.gateway.pods.replicas,
            Component::Identity => self.identity.pods.replicas,
            Component::Post => self.post.pods.replicas,
            Component::Media => self.media.pods.replicas,
            Component::Search => self.search.replicas,
            Component::MongoDb | Component::Redis | Component::RabbitMq => 1,
        }
    }
}
