//! What a `SocialPlatform` becomes: every Kubernetes object of a platform, complete, from the resource and its credentials alone.
//!
//! No client, no clock, no randomness: the same input gives the same bytes, so whatever differs in the cluster was done by somebody
//! else.

pub mod credentials;
mod defaults;
pub mod objects;
pub mod quantity;
pub mod validate;

#[cfg(test)]
mod fixture;

use k8s_openapi::api::core::v1::Secret;

pub use credentials::{Credentials, CredentialsError, MongoDbPasswords};
pub use objects::{GatewayObjects, Objects, ServiceObjects, StoreObjects};
pub use validate::{Defaults, Invalid, ValidatedPlatform, validate};

/// The Secret a platform's credentials are kept in. It has no owner, so that it outlives the platform as the volumes do.
pub fn credentials_secret(_platform: &ValidatedPlatform, _credentials: &Credentials) -> Secret {
    unimplemented!()
}

/// Every object of a platform.
pub fn render(_platform: &ValidatedPlatform, _credentials: &Credentials) -> Objects {
    unimplemented!()
}
