//! What unit tests render: one platform and fixed credentials.

use operator_api::{SocialPlatform, SocialPlatformSpec};

use crate::{Credentials, Defaults, MongoDbPasswords, ValidatedPlatform, validate};

pub(crate) fn defaults() -> Defaults {
    Defaults {
        version: "1.2.3".into(),
    }
}

/// A platform named `demo` in the namespace `town`.
pub(crate) fn platform(spec: SocialPlatformSpec) -> SocialPlatform {
    let mut platform = SocialPlatform::new("demo", spec);
    platform.metadata.namespace = Some("town".into());
    platform.metadata.uid = Some("00000000-0000-4000-8000-000000000001".into());

    platform
}

pub(crate) fn minimal() -> ValidatedPlatform {
    with_spec("{}")
}

/// The platform with a spec given as YAML.
pub(crate) fn with_spec(spec: &str) -> ValidatedPlatform {
    validate(&platform(serde_yaml::from_str(spec).unwrap()), &defaults()).unwrap()
}

pub(crate) fn credentials() -> Credentials {
    Credentials {
        mongodb_keyfile: "a2V5ZmlsZS1vZi10aGUtdGVzdHM".into(),
        mongodb_passwords: MongoDbPasswords {
            identity: "identity-password".into(),
            post: "post-password".into(),
            media: "media-password".into(),
            search: "search-password".into(),
        },
        rabbitmq_password: "rabbitmq-password".into(),
        rabbitmq_password_hash: "cmFiYml0bXEtcGFzc3dvcmQtaGFzaA==".into(),
        redis_password: "redis-password".into(),
        signing_key_pem: "signing key of the tests\n".into(),
        jwks: r#"{"keys":[]}"#.into(),
        refresh_key: "00".repeat(32),
    }
}
