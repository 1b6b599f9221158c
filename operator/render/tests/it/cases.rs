//! The platforms that are rendered, and their objects in a form that can be walked through.

use std::{fs, path::PathBuf};

use k8s_openapi::{
    ByteString, Metadata, Resource, api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use operator_api::SocialPlatform;
use operator_render::{
    Credentials, Defaults, MongoDbPasswords, Objects, Passwords, PasswordsStage, RabbitMqLogin,
    RabbitMqUser, ServiceObjects, StoreObjects, TokenKeys, TokenKeysStage, UserSecrets,
    ValidatedPlatform, credentials_secret, render, validate,
};
use serde::Serialize;
use serde_json::Value;

/// The platforms of `tests/golden`.
pub const NAMES: [&str; 3] = ["minimal", "everything", "own-stores"];

/// Keys and values of the Secret with which media's storage is reached.
pub const STORAGE_SECRETS: [(&str, &str); 3] = [
    ("accessKeyId", "storage-key-id"),
    ("secretAccessKey", "storage-secret-key"),
    ("url", "cloudinary://key:cloudinary-secret@cloud"),
];

/// One object as the API server would get it.
pub struct Object {
    pub kind: &'static str,
    pub name: String,
    pub content: Value,
    /// Order of fields as in the API's documentation.
    pub yaml: String,
}

impl Object {
    /// The pod template of a Deployment or StatefulSet.
    pub fn pod_template(&self) -> Option<&Value> {
        self.content.pointer("/spec/template")
    }

    pub fn labels(&self) -> &Value {
        &self.content["metadata"]["labels"]
    }
}

pub fn folder(case: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/golden", case]
        .iter()
        .collect()
}

pub fn platform(case: &str) -> ValidatedPlatform {
    validated(&resource(case))
}

/// The resource of a case, to be changed before it is validated.
pub fn resource(case: &str) -> SocialPlatform {
    let path = folder(case).join("platform.yaml");

    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

pub fn validated(platform: &SocialPlatform) -> ValidatedPlatform {
    validate(
        platform,
        &Defaults {
            version: "1.2.3".into(),
        },
    )
    .unwrap()
}

/// Everything a platform consists of, the credentials Secret included.
pub fn objects(platform: &ValidatedPlatform, credentials: &Credentials) -> Vec<Object> {
    let Objects {
        jwks,
        mongodb,
        redis,
        rabbitmq,
        identity,
        post,
        media,
        search,
        gateway,
        ingress,
        http_route,
        pod_monitor,
    } = render(platform, credentials, &user_secrets(platform));
    let mut objects = vec![
        object(&credentials_secret(platform, credentials)),
        object(&jwks),
    ];
    for StoreObjects {
        secret,
        service,
        network_policy,
        stateful_set,
    } in [&mongodb, &redis, &rabbitmq].into_iter().flatten()
    {
        objects.extend([object(secret), object(service), object(stateful_set)]);
        objects.extend(network_policy.iter().map(object));
    }
    for ServiceObjects {
        secret,
        service,
        network_policy,
        disruption_budget,
        deployment,
        autoscaler,
    } in [&identity, &post, &media, &search, &gateway]
    {
        objects.extend([object(secret), object(service), object(deployment)]);
        objects.extend(network_policy.iter().map(object));
        objects.extend(disruption_budget.iter().map(object));
        objects.extend(autoscaler.iter().map(object));
    }
    objects.extend(ingress.iter().map(object));
    objects.extend(http_route.iter().map(object));
    objects.extend(pod_monitor.iter().map(object));

    objects
}

/// Credentials that look like real ones and never change.
pub fn credentials() -> Credentials {
    Credentials {
        mongodb_keyfile: "a2V5ZmlsZS1vZi10aGUtdGVzdHM".into(),
        refresh_key: "0123456789abcdef".repeat(4),
        cursor_key: "5695a2ef27be0903f5e091fc4c43eec05098c12cb0077c56c662a6eb3c763808".into(),
        token_keys: TokenKeys {
            generation: 1,
            signing_key_pem: "-----BEGIN PRIVATE KEY-----\nc2lnbmluZy1rZXk=\n-----END PRIVATE KEY-----\n".into(),
            jwks: r#"{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":"k1","x":"eA"}]}"#.into(),
        },
        token_keys_stage: TokenKeysStage::Settled,
        passwords: Passwords {
            generation: 1,
            mongodb: MongoDbPasswords {
            identity: "identity-password".into(),
            post: "post-password".into(),
            media: "media-password".into(),
            search: "search-password".into(),
        },
            rabbitmq: RabbitMqLogin {
                user: RabbitMqUser::First,
                password: "rabbitmq-password".into(),
                password_hash: "cmFiYml0bXEtcGFzc3dvcmQtaGFzaA==".into(),
            },
            redis: "redis-password".into(),
        },
        passwords_stage: PasswordsStage::Settled,
    }
}

/// What the user's own Secrets hold, whatever they are for and called.
fn user_secrets(platform: &ValidatedPlatform) -> UserSecrets {
    let secret = |entries: Vec<(&str, String)>| Secret {
        data: Some(
            entries
                .into_iter()
                .map(|(key, text)| (key.to_owned(), ByteString(text.into())))
                .collect(),
        ),
        ..Secret::default()
    };
    let databases = ["identity", "post", "media", "search"]
        .map(|service| (service, format!("mongodb://{service}:own@mongo/{service}")));
    let found = [
        (
            "town-bucket",
            STORAGE_SECRETS.map(|(key, text)| (key, text.into())).into(),
        ),
        ("own-mongodb", databases.into()),
        (
            "own-redis",
            vec![("url", "redis://:own@redis:6379".to_owned())],
        ),
        (
            "own-rabbitmq",
            vec![("url", "amqp://own:own@rabbitmq".to_owned())],
        ),
    ];
    let found = found.map(|(name, entries)| (name.to_owned(), secret(entries)));

    UserSecrets::read(platform, &found.into()).unwrap()
}

fn object<T: Resource + Metadata<Ty = ObjectMeta> + Serialize>(object: &T) -> Object {
    Object {
        kind: T::KIND,
        name: object.metadata().name.clone().unwrap(),
        content: serde_json::to_value(object).unwrap(),
        yaml: serde_yaml::to_string(object).unwrap(),
    }
}
