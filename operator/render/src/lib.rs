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

pub use credentials::{Credentials, CredentialsError, MongoDbPasswords, credentials_secret};
pub use foreign::{Foreign, ForeignKind, HttpRoute, PodMonitor};
pub use objects::{Objects, ServiceObjects, StoreObjects};
pub use platform::ValidatedPlatform;
pub use user_secrets::{ReferenceError, UserSecrets};
pub use validate::{Defaults, Invalid, validate};

/// Every object of a platform.
pub fn render(
    platform: &ValidatedPlatform,
    credentials: &Credentials,
    given: &UserSecrets,
) -> Objects {
    let jwks = jwks::config_map(platform, &credentials.jwks);
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
        identity: identity::objects(platform, connections, &jwks),
        post: post::objects(platform, connections, &jwks),
        media: media::objects(platform, connections, &jwks),
        search: search::objects(platform, connections, &jwks),
        gateway: gateway::objects(platform, connections, &jwks),
        ingress: ingress::ingress(platform),
        http_route: http_route::route(platform),
        pod_monitor: pod_monitor::pod_monitor(platform),
        jwks,
    }
}
