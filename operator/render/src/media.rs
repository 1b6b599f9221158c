//! Media: uploaded files.

use k8s_openapi::api::core::v1::EnvVar;
use operator_api::Component;

use crate::{
    config_hash::ConfigHash,
    connections::Connections,
    env::{self, MONGODB_URL_KEY, RABBITMQ_URL_KEY, REDIS_URL_KEY},
    jwks,
    objects::ServiceObjects,
    platform::{MediaStorage, ValidatedPlatform},
    secret,
    service::{self, Program},
};

/// An upload over a slow line takes its time.
const REQUEST_TIMEOUT_SECONDS: u32 = 60;
const CLOUDINARY_API_URL: &str = "https://api.cloudinary.com";

pub(crate) fn objects(
    platform: &ValidatedPlatform,
    connections: Connections<'_>,
) -> ServiceObjects {
    let component = Component::Media;
    let credentials = connections.credentials;
    let mongodb_url = connections.mongodb(component, &credentials.passwords.mongodb.media);
    let rabbitmq_url = connections.rabbitmq();
    let redis_url = connections.redis();
    let mut content = vec![
        (MONGODB_URL_KEY, mongodb_url.as_str()),
        (REDIS_URL_KEY, &redis_url),
        (RABBITMQ_URL_KEY, &rabbitmq_url),
    ];
    content.extend(connections.given.storage());
    let secret = secret::of(platform, component, &content);
    let env = [
        env::server(REQUEST_TIMEOUT_SECONDS),
        env::tokens(platform),
        env::database(platform, component),
        env::shared_memory(platform, component),
        env::events(platform, component),
        limits(platform),
        place(platform),
    ];
    let program = Program {
        component,
        shape: &platform.media.pods,
        env: env.concat(),
        volumes: vec![jwks::volume(platform)],
        mounts: vec![jwks::mount()],
        config: ConfigHash::default().secret(&secret),
    };

    service::objects(platform, secret, program)
}

/// What may be uploaded.
fn limits(platform: &ValidatedPlatform) -> Vec<EnvVar> {
    let media = &platform.media;
    let types: Vec<_> = media
        .allowed_types
        .iter()
        .map(|kind| kind.as_str())
        .collect();

    vec![
        env::value("MAX_UPLOAD_BYTES", media.max_upload_bytes),
        env::value("ALLOWED_MEDIA_TYPES", types.join(",")),
        env::value(
            "UNCLAIMED_UPLOAD_SECONDS",
            media.unclaimed_upload_ttl_seconds,
        ),
        env::value("USER_QUOTA_BYTES", media.user_quota_bytes),
    ]
}

/// Where files are kept.
fn place(platform: &ValidatedPlatform) -> Vec<EnvVar> {
    let storage = &platform.media.storage;
    let mut env = match storage {
        MediaStorage::GridFs => vec![env::value("MEDIA_STORAGE", "gridfs")],
        MediaStorage::S3 {
            endpoint,
            region,
            bucket,
            secret: _,
        } => vec![
            env::value("MEDIA_STORAGE", "s3"),
            env::value("S3_ENDPOINT", endpoint),
            env::value("S3_REGION", region),
            env::value("S3_BUCKET", bucket),
        ],
        MediaStorage::Cloudinary { secret: _ } => vec![
            env::value("MEDIA_STORAGE", "cloudinary"),
            env::value("CLOUDINARY_API_URL", CLOUDINARY_API_URL),
        ],
    };
    let keys = storage.keys().iter();
    env.extend(
        keys.map(|key| env::from_secret(key.variable, platform, Component::Media, key.kept_as)),
    );

    env
}
