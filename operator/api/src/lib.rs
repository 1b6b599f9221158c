//! The `SocialPlatform` resource: its fields, the rules the API server checks them by, its status, and the names of what comes of it.
//!
//! This crate knows no client and decides nothing: what a platform becomes is the business of `operator-render`.

pub mod platform;

pub mod credentials;
pub mod exposure;
pub mod gateway;
pub mod identity;
pub mod media;
pub mod pods;
pub mod post;
pub mod surroundings;

pub mod bounds;
pub mod manifests;
pub mod names;
pub mod quantity;
pub mod reason;
mod reference;
pub mod resources;
mod rules;
pub mod status;

pub use credentials::{CredentialSource, CredentialsStatus};
pub use exposure::{Exposure, ExposureType, HttpRoute, Ingress, ParentGateway};
pub use gateway::{Cors, Gateway, RateLimit};
pub use identity::{Identity, PasswordHash};
pub use manifests::manifests;
pub use media::{Cloudinary, GridFs, Media, MediaStorage, MediaType, S3, SecretRef};
pub use names::{API_VERSION, Component, KIND, object_name};
pub use platform::{
    ExternalStore, ImagePullSecret, Images, Instance, ManagedStore, PullPolicy, Service,
    SocialPlatform, SocialPlatformSpec, Storage, Store,
};
pub use pods::{
    Autoscaling, NodeOperator, NodeRequirement, PodTraits, Scheduling, ServicePods, Spread,
    TaintEffect, Toleration, TolerationOperator, WhenUnsatisfiable,
};
pub use post::Post;
pub use quantity::{Bytes, Cpu};
pub use reason::Reason;
pub use resources::{ResourceAmounts, Resources};
pub use status::{ComponentStatus, Condition, ConditionType, SocialPlatformStatus};
pub use surroundings::{DeletionPolicy, Monitoring, NetworkPolicy, PodMonitor};
