//! Identity: accounts, passwords and tokens. Only its pods hold the key that signs.

use k8s_openapi::api::core::v1::EnvVar;
use operator_api::{Component, names::object_name};

use crate::{
    config_hash::ConfigHash,
    connections::Connections,
    env::{self, MONGODB_URL_KEY, RABBITMQ_URL_KEY, REDIS_URL_KEY},
    jwks,
    objects::ServiceObjects,
    platform::{IdentityShape, PasswordHash, ValidatedPlatform},
    pod, secret,
    service::{self, Program},
};

const REQUEST_TIMEOUT_SECONDS: u32 = 10;

const KEYS_VOLUME: &str = "identity";
pub(crate) const SIGNING_KEY: &str = "signing-key.pem";
pub(crate) const REFRESH_KEY: &str = "refresh-key";

pub(crate) fn objects(
    platform: &ValidatedPlatform,
    connections: Connections<'_>,
) -> ServiceObjects {
    let component = Component::Identity;
    let credentials = connections.credentials;
    let mongodb_url = connections.mongodb(component, &credentials.passwords.mongodb.identity);
    let redis_url = connections.redis();
    let rabbitmq_url = connections.rabbitmq();
    let secret = secret::of(
        platform,
        component,
        &[
            (MONGODB_URL_KEY, &mongodb_url),
            (REDIS_URL_KEY, &redis_url),
            (RABBITMQ_URL_KEY, &rabbitmq_url),
            (SIGNING_KEY, &credentials.token_keys.signing_key_pem),
            (REFRESH_KEY, &credentials.refresh_key),
        ],
    );
    let env = [
        env::server(REQUEST_TIMEOUT_SECONDS),
        env::tokens(platform),
        env::database(platform, component),
        env::shared_memory(platform, component),
        env::events(platform, component),
        vec![
            env::value(
                "TOKEN_SIGNING_KEY_FILE",
                "/etc/socialplatform/identity/signing-key.pem",
            ),
            env::value(
                "REFRESH_KEY_FILE",
                "/etc/socialplatform/identity/refresh-key",
            ),
        ],
        sessions_and_passwords(platform),
    ];
    let program = Program {
        component,
        shape: &platform.identity.pods,
        env: env.concat(),
        volumes: vec![
            jwks::volume(platform),
            pod::secret_volume(
                KEYS_VOLUME,
                object_name(&platform.name, component),
                &[SIGNING_KEY, REFRESH_KEY],
            ),
        ],
        mounts: vec![
            jwks::mount(),
            pod::read_only_mount(KEYS_VOLUME, "/etc/socialplatform/identity"),
        ],
        config: ConfigHash::default().secret(&secret),
    };

    service::objects(platform, secret, program)
}

/// How long tokens last, and what a password costs.
fn sessions_and_passwords(platform: &ValidatedPlatform) -> Vec<EnvVar> {
    let IdentityShape {
        pods: _,
        access_token_ttl_seconds,
        refresh_token_idle_seconds,
        refresh_token_ttl_seconds,
        password_hash:
            PasswordHash {
                memory_kib,
                iterations,
                parallelism,
            },
        password_min_length,
    } = &platform.identity;

    vec![
        env::value("ACCESS_TOKEN_TTL_SECONDS", access_token_ttl_seconds),
        env::value("REFRESH_TOKEN_IDLE_SECONDS", refresh_token_idle_seconds),
        env::value("REFRESH_TOKEN_LIFETIME_SECONDS", refresh_token_ttl_seconds),
        env::value("REFRESH_REUSE_WINDOW_SECONDS", 30),
        env::value("PASSWORD_MIN_LENGTH", password_min_length),
        env::value("ARGON2_MEMORY_KIB", memory_kib),
        env::value("ARGON2_ITERATIONS", iterations),
        env::value("ARGON2_PARALLELISM", parallelism),
    ]
}
