//! What unit tests render: one platform and fixed credentials.

use operator_api::{SocialPlatform, SocialPlatformSpec};

use crate::{
    Credentials, Defaults, MongoDbPasswords, Passwords, PasswordsStage, RabbitMqLogin,
    RabbitMqUser, TokenKeys, TokenKeysStage, ValidatedPlatform, validate,
};

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
        refresh_key: "00".repeat(32),
        cursor_key: "5695a2ef27be0903f5e091fc4c43eec05098c12cb0077c56c662a6eb3c763808".into(),
        token_keys: TokenKeys {
            generation: 1,
            signing_key_pem: "signing key of the tests\n".into(),
            jwks: r#"{"keys":[]}"#.into(),
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
