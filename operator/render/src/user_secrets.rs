//! What the user's own places are reached with: values in Secrets of the user's, found by the names in the resource.
//!
//! They are copied into the services' own Secrets, so that pods start when the user's Secret is gone for a moment, and are
//! replaced when its content changes.

use std::{collections::BTreeMap, fmt};

use k8s_openapi::api::core::v1::Secret;
use operator_api::Component;

use crate::platform::{MediaStorage, StoreSource, ValidatedPlatform};

/// One value that a place for files is reached with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StorageKey {
    /// Its key in the Secret that the resource names.
    pub given_as: &'static str,
    /// Its key in media's own Secret.
    pub kept_as: &'static str,
    /// The variable that media reads it from.
    pub variable: &'static str,
}

const S3_KEYS: [StorageKey; 2] = [
    StorageKey {
        given_as: "accessKeyId",
        kept_as: "s3-access-key-id",
        variable: "S3_ACCESS_KEY_ID",
    },
    StorageKey {
        given_as: "secretAccessKey",
        kept_as: "s3-secret-access-key",
        variable: "S3_SECRET_ACCESS_KEY",
    },
];

const CLOUDINARY_KEYS: [StorageKey; 1] = [StorageKey {
    given_as: "url",
    kept_as: "cloudinary-url",
    variable: "CLOUDINARY_URL",
}];

/// Who has a database in an external MongoDB; each connection string is kept under the service's name.
const DATABASES: [Component; 4] = [
    Component::Identity,
    Component::Post,
    Component::Media,
    Component::Search,
];

/// The one key of an external Redis or RabbitMQ.
const URL: &str = "url";

const MONGODB_SCHEMES: [&str; 2] = ["mongodb://", "mongodb+srv://"];
const REDIS_SCHEMES: [&str; 1] = ["redis://"];
const RABBITMQ_SCHEMES: [&str; 1] = ["amqp://"];

/// The values themselves.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserSecrets {
    /// One for each of the storage's keys.
    storage: BTreeMap<&'static str, String>,
    /// The connection string of each service, if MongoDB is external.
    mongodb: BTreeMap<Component, String>,
    redis: Option<String>,
    rabbitmq: Option<String>,
}

/// A Secret that the resource names.
#[derive(Clone, Copy)]
struct Reference<'a> {
    field: &'static str,
    name: &'a str,
    found: &'a BTreeMap<String, Secret>,
}

/// A Secret that the resource names and that cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    #[error(
        "Secret {name}, which {field} names, does not exist: create it in this namespace with {}",
        listed(.keys)
    )]
    Missing {
        field: &'static str,
        name: String,
        keys: Vec<&'static str>,
    },

    #[error("Secret {name}, which {field} names, has no key {key}: add it, with text in it")]
    NoKey {
        field: &'static str,
        name: String,
        key: &'static str,
    },

    #[error(
        "key {key} of Secret {name}, which {field} names, must be a connection string that starts with {}",
        .schemes.join(" or ")
    )]
    NoConnectionString {
        field: &'static str,
        name: String,
        key: &'static str,
        schemes: &'static [&'static str],
    },
}

impl MediaStorage {
    pub fn keys(&self) -> &'static [StorageKey] {
        match self {
            Self::GridFs => &[],
            Self::S3 { .. } => &S3_KEYS,
            Self::Cloudinary { .. } => &CLOUDINARY_KEYS,
        }
    }

    /// The Secret with the keys, and the field that names it.
    fn secret(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::GridFs => None,
            Self::S3 { secret, .. } => Some((
                "spec.media.storage.s3.credentialsSecretRef",
                secret.as_str(),
            )),
            Self::Cloudinary { secret } => {
                Some(("spec.media.storage.cloudinary.secretRef", secret.as_str()))
            }
        }
    }
}

impl UserSecrets {
    /// Reads what the platform needs from the Secrets that were found under the names the resource gives.
    pub fn read<'platform>(
        platform: &'platform ValidatedPlatform,
        found: &'platform BTreeMap<String, Secret>,
    ) -> Result<Self, ReferenceError> {
        let external = |field, source: &'platform StoreSource| match source {
            StoreSource::External { secret } => Some(Reference {
                field,
                name: secret.as_str(),
                found,
            }),
            StoreSource::Managed(_) => None,
        };
        let mongodb = external("spec.mongodb.external.secretRef", &platform.mongodb);
        let redis = external("spec.redis.external.secretRef", &platform.redis);
        let rabbitmq = external("spec.rabbitmq.external.secretRef", &platform.rabbitmq);

        Ok(Self {
            storage: storage(&platform.media.storage, found)?,
            mongodb: mongodb.map_or(Ok(BTreeMap::new()), |secret| secret.databases())?,
            redis: redis
                .map(|secret| secret.address(&REDIS_SCHEMES))
                .transpose()?,
            rabbitmq: rabbitmq
                .map(|secret| secret.address(&RABBITMQ_SCHEMES))
                .transpose()?,
        })
    }

    /// What media's own Secret holds of its storage.
    pub(crate) fn storage(&self) -> impl Iterator<Item = (&str, &str)> {
        self.storage.iter().map(|(key, text)| (*key, text.as_str()))
    }

    pub(crate) fn mongodb(&self, service: Component) -> Option<&str> {
        self.mongodb.get(&service).map(String::as_str)
    }

    pub(crate) fn redis(&self) -> Option<&str> {
        self.redis.as_deref()
    }

    pub(crate) fn rabbitmq(&self) -> Option<&str> {
        self.rabbitmq.as_deref()
    }
}

fn storage(
    storage: &MediaStorage,
    found: &BTreeMap<String, Secret>,
) -> Result<BTreeMap<&'static str, String>, ReferenceError> {
    let Some((field, name)) = storage.secret() else {
        return Ok(BTreeMap::new());
    };
    let secret = Reference { field, name, found };
    let keys: Vec<_> = storage.keys().iter().map(|key| key.given_as).collect();

    storage
        .keys()
        .iter()
        .map(|key| Ok((key.kept_as, secret.text(key.given_as, &keys)?)))
        .collect()
}

impl Reference<'_> {
    fn databases(self) -> Result<BTreeMap<Component, String>, ReferenceError> {
        let keys = DATABASES.map(Component::as_str);

        DATABASES
            .into_iter()
            .map(|service| {
                let address = self.connection_string(service.as_str(), &keys, &MONGODB_SCHEMES)?;
                Ok((service, address))
            })
            .collect()
    }

    fn address(self, schemes: &'static [&'static str]) -> Result<String, ReferenceError> {
        self.connection_string(URL, &[URL], schemes)
    }

    fn connection_string(
        self,
        key: &'static str,
        keys: &[&'static str],
        schemes: &'static [&'static str],
    ) -> Result<String, ReferenceError> {
        let text = self.text(key, keys)?;
        if schemes.iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(text);
        }

        Err(ReferenceError::NoConnectionString {
            field: self.field,
            name: self.name.to_owned(),
            key,
            schemes,
        })
    }

    /// The text of one of the `keys` the Secret has to have.
    fn text(self, key: &'static str, keys: &[&'static str]) -> Result<String, ReferenceError> {
        let Self { field, name, found } = self;
        let name = || name.to_owned();
        let secret = found
            .get(self.name)
            .ok_or_else(|| ReferenceError::Missing {
                field,
                name: name(),
                keys: keys.to_vec(),
            })?;

        text(secret, key).ok_or_else(|| ReferenceError::NoKey {
            field,
            name: name(),
            key,
        })
    }
}

impl fmt::Debug for UserSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UserSecrets")
            .finish_non_exhaustive()
    }
}

/// Spaces and line ends around a value come from how it was put into the Secret.
fn text(secret: &Secret, key: &str) -> Option<String> {
    let value = secret.data.as_ref()?.get(key)?;
    let text = std::str::from_utf8(&value.0).ok()?.trim();

    (!text.is_empty()).then(|| text.to_owned())
}

/// "the key url", "the keys accessKeyId and secretAccessKey".
fn listed(keys: &[&str]) -> String {
    match keys {
        [key] => format!("the key {key}"),
        [first @ .., last] => format!("the keys {} and {last}", first.join(", ")),
        [] => "its keys".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;
    use crate::fixture::{minimal, with_spec};

    fn s3() -> ValidatedPlatform {
        let s3 = "bucket: files, credentialsSecretRef: {name: keys}";

        with_spec(&format!("media: {{storage: {{s3: {{{s3}}}}}}}"))
    }

    fn secret(entries: &[(&str, &str)]) -> Secret {
        let data = entries
            .iter()
            .map(|(key, text)| ((*key).to_owned(), ByteString(text.as_bytes().to_vec())))
            .collect();

        Secret {
            data: Some(data),
            ..Secret::default()
        }
    }

    #[test]
    fn files_in_mongodb_need_no_secret() {
        assert_eq!(
            UserSecrets::read(&minimal(), &BTreeMap::new()),
            Ok(UserSecrets::default())
        );
    }

    #[test]
    fn values_are_taken_without_the_line_end_of_the_file_they_came_from() {
        let given = secret(&[
            ("accessKeyId", "id\n"),
            ("secretAccessKey", " secret "),
            ("other", "x"),
        ]);
        let read = UserSecrets::read(&s3(), &BTreeMap::from([("keys".to_owned(), given)])).unwrap();

        assert_eq!(
            read.storage().collect::<Vec<_>>(),
            [
                ("s3-access-key-id", "id"),
                ("s3-secret-access-key", "secret")
            ]
        );
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let cloudinary = with_spec("media: {storage: {cloudinary: {secretRef: {name: account}}}}");
        let refusal = |platform: &ValidatedPlatform, found: Option<Secret>| {
            let found = found.map(|secret| ("keys".to_owned(), secret));
            UserSecrets::read(platform, &found.into_iter().collect())
                .unwrap_err()
                .to_string()
        };

        assert_eq!(
            refusal(&s3(), None),
            "Secret keys, which spec.media.storage.s3.credentialsSecretRef names, does not exist: create it in this \
             namespace with the keys accessKeyId and secretAccessKey"
        );
        assert_eq!(
            refusal(&cloudinary, None),
            "Secret account, which spec.media.storage.cloudinary.secretRef names, does not exist: create it in this \
             namespace with the key url"
        );
        for incomplete in [
            secret(&[("accessKeyId", "id")]),
            secret(&[("accessKeyId", "id"), ("secretAccessKey", "\n")]),
        ] {
            assert_eq!(
                refusal(&s3(), Some(incomplete)),
                "Secret keys, which spec.media.storage.s3.credentialsSecretRef names, has no key secretAccessKey: add \
                 it, with text in it"
            );
        }
    }

    #[test]
    fn stores_of_the_users_own_are_reached_as_their_secrets_say() {
        let platform = with_spec(
            "{mongodb: {external: {secretRef: {name: mongo}}}, redis: {external: {secretRef: {name: redis}}}}",
        );
        let url = |service: Component| format!("mongodb://{service}:word@db.example.com/{service}");
        let urls = DATABASES.map(|service| (service.as_str(), url(service)));
        let mongo = secret(&urls.each_ref().map(|(key, url)| (*key, url.as_str())));
        let found = |redis: &str| {
            BTreeMap::from([
                ("mongo".to_owned(), mongo.clone()),
                ("redis".to_owned(), secret(&[("url", redis)])),
            ])
        };

        let read = UserSecrets::read(&platform, &found("redis://cache:6379")).unwrap();
        let refusal = UserSecrets::read(&platform, &found("rediss://cache")).unwrap_err();

        assert_eq!(
            read.mongodb(Component::Post),
            Some(url(Component::Post).as_str())
        );
        assert_eq!(read.redis(), Some("redis://cache:6379"));
        assert_eq!(read.rabbitmq(), None, "it is managed");
        assert_eq!(
            refusal.to_string(),
            "key url of Secret redis, which spec.redis.external.secretRef names, must be a connection string that starts \
             with redis://"
        );
    }

    #[test]
    fn debug_output_holds_no_secret() {
        assert_eq!(
            format!("{:?}", UserSecrets::default()),
            "UserSecrets { .. }"
        );
    }
}
