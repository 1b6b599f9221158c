//! A platform with every question answered: what rendering starts from.

use std::collections::BTreeMap;

use operator_api::{
    Component, DeletionPolicy, MediaType, NodeRequirement, ParentGateway, PullPolicy, Toleration,
    WhenUnsatisfiable, names,
};

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
    pub(crate) mongodb: StoreSource,
    pub(crate) redis: StoreSource,
    pub(crate) rabbitmq: StoreSource,
    /// Whether network policies keep everybody from the pods who has no business with them.
    pub(crate) is_fenced: bool,
    /// How metrics are collected, if they are.
    pub(crate) pod_monitor: Option<PodMonitorShape>,
    pub(crate) deletion_policy: DeletionPolicy,
    pub(crate) credentials: CredentialSource,
}

/// Whose the passwords and keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// Made by the operator, and made again when a higher generation is asked for.
    Generated(Generations),
    /// In a Secret of the user's, by its name.
    Existing(String),
}

/// Which passwords and keys are asked for; both begin at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generations {
    pub token_keys: i32,
    pub passwords: i32,
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
    pub ingress: Option<IngressShape>,
    pub http_route: Option<HttpRouteShape>,
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

/// An Ingress before the gateway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IngressShape {
    pub host: String,
    pub class: Option<String>,
    pub tls_secret: Option<String>,
    pub annotations: BTreeMap<String, String>,
}

/// A route of the Gateway API that leads to the gateway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HttpRouteShape {
    /// At least one.
    pub parents: Vec<ParentGateway>,
    pub hostnames: Vec<String>,
}

/// How the services' metrics are collected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PodMonitorShape {
    pub labels: BTreeMap<String, String>,
    pub interval_seconds: i32,
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
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServiceShape {
    pub scale: Scale,
    pub resources: ContainerResources,
    pub placement: Placement,
    pub carried: Carried,
}

/// How many pods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    Fixed(i32),
    /// As many as their use of processors asks for; `least` is not above `most`.
    Between {
        least: i32,
        most: i32,
        cpu_percent: i32,
    },
}

impl Scale {
    /// The fewest pods there are when nothing is wrong.
    pub fn least(self) -> i32 {
        match self {
            Self::Fixed(replicas) => replicas,
            Self::Between { least, .. } => least,
        }
    }

    /// The most pods there may be.
    pub fn most(self) -> i32 {
        match self {
            Self::Fixed(replicas) => replicas,
            Self::Between { most, .. } => most,
        }
    }
}

/// Where pods run, and how much they matter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placement {
    pub node_selector: BTreeMap<String, String>,
    pub required_nodes: Vec<NodeRequirement>,
    pub preferred_nodes: Vec<NodeRequirement>,
    pub tolerations: Vec<Toleration>,
    pub spread: Spreading,
    pub priority_class: Option<String>,
}

/// How pods of one component are kept apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spreading {
    pub topology_key: String,
    pub when_unsatisfiable: WhenUnsatisfiable,
}

/// What pods carry for other programs. No name is one of the operator's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Carried {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

/// Where a store comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StoreSource {
    Managed(Box<StoreShape>),
    /// Somebody else runs it; this Secret of the user's says where.
    External {
        secret: String,
    },
}

/// How a managed store runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoreShape {
    pub image: String,
    pub volume_size: ByteCount,
    pub storage_class: Option<String>,
    pub resources: ContainerResources,
    pub placement: Placement,
    pub carried: Carried,
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

    /// Whose the passwords and keys are.
    pub fn credential_source(&self) -> &CredentialSource {
        &self.credentials
    }

    /// How long an access token is good for.
    pub fn access_token_ttl_seconds(&self) -> i32 {
        self.identity.access_token_ttl_seconds
    }

    /// Tag of the services' images.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Address of the gateway inside the cluster.
    pub fn url(&self) -> String {
        names::gateway_url(&self.namespace, &self.name)
    }

    /// The fewest pods wanted of a component.
    pub fn replicas(&self, component: Component) -> i32 {
        self.service(component)
            .map_or(1, |service| service.scale.least())
    }

    /// Whether volumes and credentials go with the platform.
    pub fn leaves_nothing(&self) -> bool {
        self.deletion_policy == DeletionPolicy::Delete
    }

    /// How a service runs; `None` of a store.
    pub(crate) fn service(&self, component: Component) -> Option<&ServiceShape> {
        match component {
            Component::Gateway => Some(&self.gateway.pods),
            Component::Identity => Some(&self.identity.pods),
            Component::Post => Some(&self.post.pods),
            Component::Media => Some(&self.media.pods),
            Component::Search => Some(&self.search),
            Component::MongoDb | Component::Redis | Component::RabbitMq => None,
        }
    }

    /// How a store runs that the operator runs.
    pub(crate) fn managed_store(&self, component: Component) -> Option<&StoreShape> {
        let source = match component {
            Component::MongoDb => &self.mongodb,
            Component::Redis => &self.redis,
            Component::RabbitMq => &self.rabbitmq,
            Component::Gateway
            | Component::Identity
            | Component::Post
            | Component::Media
            | Component::Search => return None,
        };

        match source {
            StoreSource::Managed(shape) => Some(shape),
            StoreSource::External { secret: _ } => None,
        }
    }
}
