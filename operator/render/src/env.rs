//! Environment of our services: the settings they read, group by group.

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, SecretKeySelector};
use operator_api::{
    Component,
    names::{ADMIN_PORT, HTTP_PORT, object_name},
};

use crate::{platform::ValidatedPlatform, pod::DRAIN_SECONDS};

pub(crate) const MONGODB_URL_KEY: &str = "mongodb-url";
pub(crate) const REDIS_URL_KEY: &str = "redis-url";
pub(crate) const RABBITMQ_URL_KEY: &str = "rabbitmq-url";

pub(crate) fn value(name: &str, value: impl ToString) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: Some(value.to_string()),
        value_from: None,
    }
}

/// What every service reads: where it listens, how it logs, how it ends.
pub(crate) fn server(request_timeout_seconds: u32) -> Vec<EnvVar> {
    vec![
        value("LISTEN_ADDRESS", format!("0.0.0.0:{HTTP_PORT}")),
        value("ADMIN_ADDRESS", format!("0.0.0.0:{ADMIN_PORT}")),
        value("LOG_FILTER", "info"),
        value("DRAIN_SECONDS", DRAIN_SECONDS),
        value("REQUEST_TIMEOUT_SECONDS", request_timeout_seconds),
        value("MAX_CONCURRENT_REQUESTS", 512),
    ]
}

/// How tokens are checked. Issuer and audience name the platform, so that a token of one is nothing to another.
pub(crate) fn tokens(platform: &ValidatedPlatform) -> Vec<EnvVar> {
    let issuer = format!("socialplatform:{}/{}", platform.namespace, platform.name);

    vec![
        value("TOKEN_KEYS_FILE", "/etc/socialplatform/jwks/jwks.json"),
        value("TOKEN_ISSUER", &issuer),
        value("TOKEN_AUDIENCE", &issuer),
    ]
}

/// The service's own database.
pub(crate) fn database(platform: &ValidatedPlatform, component: Component) -> Vec<EnvVar> {
    vec![
        from_secret("MONGODB_URL", platform, component, MONGODB_URL_KEY),
        value("MONGODB_MAX_POOL_SIZE", 20),
    ]
}

/// What the services share and may lose: limits, ended sessions, cached pages.
pub(crate) fn shared_memory(platform: &ValidatedPlatform, component: Component) -> Vec<EnvVar> {
    vec![from_secret("REDIS_URL", platform, component, REDIS_URL_KEY)]
}

/// The broker that carries events.
pub(crate) fn events(platform: &ValidatedPlatform, component: Component) -> Vec<EnvVar> {
    vec![
        from_secret("RABBITMQ_URL", platform, component, RABBITMQ_URL_KEY),
        value("EVENTS_NAMESPACE", "social"),
    ]
}

/// A value of the component's own Secret.
pub(crate) fn from_secret(
    name: &str,
    platform: &ValidatedPlatform,
    component: Component,
    key: &str,
) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: object_name(&platform.name, component),
                key: key.to_owned(),
                optional: None,
            }),
            ..EnvVarSource::default()
        }),
    }
}
