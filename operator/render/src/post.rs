//! Post: what people write.

use operator_api::{Component, names::object_name};

use crate::{
    config_hash::ConfigHash,
    connections::Connections,
    env::{self, MONGODB_URL_KEY, RABBITMQ_URL_KEY, REDIS_URL_KEY},
    jwks,
    objects::ServiceObjects,
    platform::ValidatedPlatform,
    pod, secret,
    service::{self, Program},
};

const REQUEST_TIMEOUT_SECONDS: u32 = 10;

const KEYS_VOLUME: &str = "post";
pub(crate) const CURSOR_KEY: &str = "cursor-key";

pub(crate) fn objects(
    platform: &ValidatedPlatform,
    connections: Connections<'_>,
) -> ServiceObjects {
    let component = Component::Post;
    let credentials = connections.credentials;
    let mongodb_url = connections.mongodb(component, &credentials.passwords.mongodb.post);
    let rabbitmq_url = connections.rabbitmq();
    let redis_url = connections.redis();
    let secret = secret::of(
        platform,
        component,
        &[
            (MONGODB_URL_KEY, &mongodb_url),
            (REDIS_URL_KEY, &redis_url),
            (RABBITMQ_URL_KEY, &rabbitmq_url),
            (CURSOR_KEY, &credentials.cursor_key),
        ],
    );
    let env = [
        env::server(REQUEST_TIMEOUT_SECONDS),
        env::tokens(platform),
        env::database(platform, component),
        env::shared_memory(platform, component),
        env::events(platform, component),
        vec![
            env::value("CURSOR_KEY_FILE", "/etc/socialplatform/post/cursor-key"),
            env::value(
                "PAGE_CACHE_TTL_SECONDS",
                platform.post.page_cache_ttl_seconds,
            ),
        ],
    ];
    let program = Program {
        component,
        shape: &platform.post.pods,
        env: env.concat(),
        volumes: vec![
            jwks::volume(platform),
            pod::secret_volume(
                KEYS_VOLUME,
                object_name(&platform.name, component),
                &[CURSOR_KEY],
            ),
        ],
        mounts: vec![
            jwks::mount(),
            pod::read_only_mount(KEYS_VOLUME, "/etc/socialplatform/post"),
        ],
        config: ConfigHash::default().secret(&secret),
    };

    service::objects(platform, secret, program)
}
