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

mod gateway;
mod identity;
mod media;
mod mongodb;
mod post;
mod rabbitmq;
mod redis;
mod search;

mod jwks;
mod keyfile;
mod secret;
mod service;
mod storage;
mod store;

mod config_hash;
mod env;
mod labels;
mod pod;
mod probes;

#[cfg(test)]
mod fixture;

pub use credentials::{Credentials, CredentialsError, MongoDbPasswords, credentials_secret};
pub use objects::{Objects, ServiceObjects, StoreObjects};
pub use platform::ValidatedPlatform;
pub use storage::{ReferenceError, StorageSecrets};
pub use validate::{Defaults, Invalid, validate};

/// Every object of a platform.
pub fn render(
    platform: &ValidatedPlatform,
    credentials: &Credentials,
    storage: &StorageSecrets,
) -> Objects {
    let jwks = jwks::config_map(platform, &credentials.jwks);

    Objects {
        mongodb: mongodb::objects(platform, credentials),
        redis: redis::objects(platform, credentials),
        rabbitmq: rabbitmq::objects(platform, credentials),
        identity: identity::objects(platform, credentials, &jwks),
        post: post::objects(platform, credentials, &jwks),
        media: media::objects(platform, credentials, storage, &jwks),
        search: search::objects(platform, credentials, &jwks),
        gateway: gateway::objects(platform, credentials, &jwks),
        jwks,
    }
}
