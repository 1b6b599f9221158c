//! Media: uploaded files.

use k8s_openapi::api::core::v1::ConfigMap;
use operator_api::Component;

use crate::{
    config_hash::ConfigHash,
    credentials::Credentials,
    env::{self, MONGODB_URL_KEY, RABBITMQ_URL_KEY, REDIS_URL_KEY},
    jwks,
    objects::ServiceObjects,
    platform::ValidatedPlatform,
    secret,
    service::{self, Program},
    storage::StorageSecrets,
};

/// An upload over a slow line takes its time.
const REQUEST_TIMEOUT_SECONDS: u32 = 60;

pub(crate) fn objects(
    platform: &ValidatedPlatform,
    credentials: &Credentials,
    storage: &StorageSecrets,
    keys: &ConfigMap,
) -> ServiceObjects {
    let component = Component::Media;
    let mongodb_url =
        service::mongodb_url(platform, component, &credentials.mongodb_passwords.media);
    let rabbitmq_url = env::rabbitmq_url(platform, &credentials.rabbitmq_password);
    let redis_url = env::redis_url(platform, &credentials.redis_password);
    let mut content = vec![
        (MONGODB_URL_KEY, mongodb_url.as_str()),
        (REDIS_URL_KEY, &redis_url),
        (RABBITMQ_URL_KEY, &rabbitmq_url),
    ];
    content.extend(storage.content());
    let secret = secret::of(platform, component, &content);
    let env = [
        env::server(REQUEST_TIMEOUT_SECONDS),
        env::tokens(platform),
        env::database(platform, component),
        env::shared_memory(platform, component),
        env::events(platform, component),
        vec![env::value(
            "MAX_UPLOAD_BYTES",
            platform.media.max_upload_bytes,
        )],
    ];
    let program = Program {
        component,
        shape: platform.media.pods,
        env: env.concat(),
        volumes: vec![jwks::volume(platform)],
        mounts: vec![jwks::mount()],
        config: ConfigHash::default().secret(&secret).config_map(keys),
    };

    ServiceObjects {
        secret,
        service: service::service(platform, component),
        deployment: service::deployment(platform, program),
    }
}
