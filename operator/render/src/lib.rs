//! What a `SocialPlatform` becomes: every Kubernetes object of a platform, complete, from the resource and its secrets alone.
//!
//! No client, no clock, no randomness: the same input gives the same bytes, so whatever differs in the cluster was done by somebody
//! else.

mod defaults;
mod platform;
mod quantity;
mod validate;

mod credentials;
mod objects;
mod user_secrets;

mod gateway;
mod identity;
mod media;
mod mongodb;
mod post;
mod rabbitmq;
mod redis;
mod search;

mod connections;
mod foreign;
mod http_route;
mod ingress;
mod jwks;
mod keyfile;
mod network_policy;
mod pod_monitor;
mod secret;
mod service;
mod store;

mod config_hash;
mod env;
mod labels;
mod placement;
mod pod;
mod probes;

#[cfg(test)]
mod fixture;

use operator_api::Component;

use connections::Connections;

pub use credentials::{
    Credentials, CredentialsError, Derived, MongoDbPasswords, MongoDbUser, Passwords,
    PasswordsStage, RabbitMqLogin, RabbitMqUser, TokenKeys, TokenKeysStage, credentials_secret,
    rebuilt,
};
pub use foreign::{Foreign, ForeignKind, HttpRoute, PodMonitor};
pub use objects::{Objects, ServiceObjects, StoreObjects};
pub use platform::{CredentialSource, Generations, ValidatedPlatform};
pub use pod::GRACE_SECONDS;
pub use user_secrets::{ReferenceError, UserSecrets};
pub use validate::{Defaults, Invalid, validate};

/// Every object of a platform.
pub fn render(
    platform: &ValidatedPlatform,
    credentials: &Credentials,
    given: &UserSecrets,
) -> Objects {
    let connections = Connections {
        platform,
        credentials,
        given,
    };
    let managed = |component| platform.managed_store(component);

    Objects {
        mongodb: managed(Component::MongoDb)
            .map(|shape| mongodb::objects(platform, shape, credentials)),
        redis: managed(Component::Redis).map(|shape| redis::objects(platform, shape, credentials)),
        rabbitmq: managed(Component::RabbitMq)
            .map(|shape| rabbitmq::objects(platform, shape, credentials)),
        identity: identity::objects(platform, connections),
        post: post::objects(platform, connections),
        media: media::objects(platform, connections),
        search: search::objects(platform, connections),
        gateway: gateway::objects(platform, connections),
        ingress: ingress::ingress(platform),
        http_route: http_route::route(platform),
        pod_monitor: pod_monitor::pod_monitor(platform),
        jwks: jwks::config_map(platform, &credentials.public_keys()),
    }
}
