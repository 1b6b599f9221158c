//! Search: finds posts by their words.

use operator_api::Component;

use crate::{
    config_hash::ConfigHash,
    connections::Connections,
    env::{self, MONGODB_URL_KEY, RABBITMQ_URL_KEY, REDIS_URL_KEY},
    jwks,
    objects::ServiceObjects,
    platform::ValidatedPlatform,
    secret,
    service::{self, Program},
};

const REQUEST_TIMEOUT_SECONDS: u32 = 10;

pub(crate) fn objects(
    platform: &ValidatedPlatform,
    connections: Connections<'_>,
) -> ServiceObjects {
    let component = Component::Search;
    let credentials = connections.credentials;
    let mongodb_url = connections.mongodb(component, &credentials.passwords.mongodb.search);
    let rabbitmq_url = connections.rabbitmq();
    let redis_url = connections.redis();
    let secret = secret::of(
        platform,
        component,
        &[
            (MONGODB_URL_KEY, &mongodb_url),
            (REDIS_URL_KEY, &redis_url),
            (RABBITMQ_URL_KEY, &rabbitmq_url),
        ],
    );
    let env = [
        env::server(REQUEST_TIMEOUT_SECONDS),
        env::tokens(platform),
        env::database(platform, component),
        env::shared_memory(platform, component),
        env::events(platform, component),
    ];
    let program = Program {
        component,
        shape: &platform.search,
        env: env.concat(),
        volumes: vec![jwks::volume(platform)],
        mounts: vec![jwks::mount()],
        config: ConfigHash::default().secret(&secret),
    };

    service::objects(platform, secret, program)
}
