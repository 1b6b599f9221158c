//! Everything generated for a platform, and how it is kept in one Secret.

use std::{collections::BTreeMap, fmt};

use k8s_openapi::{ByteString, api::core::v1::Secret};
use operator_api::{Component, names::credentials_name};

use crate::{labels, platform::ValidatedPlatform};

/// What a platform's programs know each other by. Generated once; a platform that is deleted and made again finds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The secret MongoDB's members share: 6 to 1024 base64 characters. Whoever knows it is MongoDB itself.
    pub mongodb_keyfile: String,
    pub mongodb_passwords: MongoDbPasswords,
    pub rabbitmq_password: String,
    /// The password as RabbitMQ's definitions take it: base64 of four bytes of salt and SHA-256 of salt and password.
    pub rabbitmq_password_hash: String,
    pub redis_password: String,
    /// The Ed25519 key that tokens are signed with, as PKCS#8 PEM.
    pub signing_key_pem: String,
    /// The public half of the signing key, as a JSON Web Key Set.
    pub jwks: String,
    /// The key of refresh tokens: 32 bytes as 64 hexadecimal digits.
    pub refresh_key: String,
}

/// One password per service: each has its own database and no access to another's.
#[derive(Clone, PartialEq, Eq)]
pub struct MongoDbPasswords {
    pub identity: String,
    pub post: String,
    pub media: String,
    pub search: String,
}

/// A credentials Secret that cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    #[error("the credentials Secret has no key {0}")]
    Missing(&'static str),

    #[error("key {0} of the credentials Secret is empty")]
    Empty(&'static str),

    #[error("key {0} of the credentials Secret is not text")]
    NotText(&'static str),

    #[error(
        "key {0} of the credentials Secret may hold only letters, digits, hyphens and underscores"
    )]
    NotPlain(&'static str),
}

impl Credentials {
    /// Reads what [`Self::to_secret_data`] wrote. Keys that somebody added are left alone.
    pub fn from_secret_data(data: &BTreeMap<String, ByteString>) -> Result<Self, CredentialsError> {
        let text = |key: &'static str| -> Result<String, CredentialsError> {
            let value = data.get(key).ok_or(CredentialsError::Missing(key))?;
            let text = std::str::from_utf8(&value.0).map_err(|_| CredentialsError::NotText(key))?;
            if text.trim().is_empty() {
                return Err(CredentialsError::Empty(key));
            }

            Ok(text.to_owned())
        };
        // Passwords are written into URLs and settings files as they are.
        let password = |key: &'static str| -> Result<String, CredentialsError> {
            let password = text(key)?;
            let is_plain = password
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || "-_".contains(char));

            if is_plain {
                Ok(password)
            } else {
                Err(CredentialsError::NotPlain(key))
            }
        };

        Ok(Self {
            mongodb_keyfile: text("mongodb-keyfile")?,
            mongodb_passwords: MongoDbPasswords {
                identity: password("mongodb-password-identity")?,
                post: password("mongodb-password-post")?,
                media: password("mongodb-password-media")?,
                search: password("mongodb-password-search")?,
            },
            rabbitmq_password: password("rabbitmq-password")?,
            rabbitmq_password_hash: text("rabbitmq-password-hash")?,
            redis_password: password("redis-password")?,
            signing_key_pem: text("signing-key.pem")?,
            jwks: text("jwks.json")?,
            refresh_key: text("refresh-key")?,
        })
    }

    /// The content of the credentials Secret.
    pub fn to_secret_data(&self) -> BTreeMap<String, ByteString> {
        let Self {
            mongodb_keyfile,
            mongodb_passwords:
                MongoDbPasswords {
                    identity,
                    post,
                    media,
                    search,
                },
            rabbitmq_password,
            rabbitmq_password_hash,
            redis_password,
            signing_key_pem,
            jwks,
            refresh_key,
        } = self;

        [
            ("mongodb-keyfile", mongodb_keyfile),
            ("mongodb-password-identity", identity),
            ("mongodb-password-post", post),
            ("mongodb-password-media", media),
            ("mongodb-password-search", search),
            ("rabbitmq-password", rabbitmq_password),
            ("rabbitmq-password-hash", rabbitmq_password_hash),
            ("redis-password", redis_password),
            ("signing-key.pem", signing_key_pem),
            ("jwks.json", jwks),
            ("refresh-key", refresh_key),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), ByteString(value.clone().into_bytes())))
        .collect()
    }
}

/// The Secret a platform's credentials are kept in. It has no owner, so that it outlives the platform as the volumes do.
pub fn credentials_secret(platform: &ValidatedPlatform, credentials: &Credentials) -> Secret {
    Secret {
        metadata: labels::unowned(
            platform,
            Component::Identity,
            credentials_name(&platform.name),
        ),
        type_: Some("Opaque".to_owned()),
        data: Some(credentials.to_secret_data()),
        ..Secret::default()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for MongoDbPasswords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MongoDbPasswords")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{credentials, minimal};

    #[test]
    fn what_was_written_is_read_back() {
        let credentials = credentials();

        assert_eq!(
            Credentials::from_secret_data(&credentials.to_secret_data()),
            Ok(credentials)
        );
    }

    #[test]
    fn every_key_is_missed_by_its_name() {
        let complete = credentials().to_secret_data();

        for key in complete.keys() {
            let mut data = complete.clone();
            data.remove(key);

            let error = Credentials::from_secret_data(&data).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the credentials Secret has no key {key}")
            );
        }
    }

    #[test]
    fn empty_and_binary_values_are_refused() {
        let mut data = credentials().to_secret_data();
        data.insert("redis-password".into(), ByteString(b" \n".to_vec()));
        assert_eq!(
            Credentials::from_secret_data(&data),
            Err(CredentialsError::Empty("redis-password"))
        );

        data.insert("redis-password".into(), ByteString(vec![0xff]));
        assert_eq!(
            Credentials::from_secret_data(&data),
            Err(CredentialsError::NotText("redis-password"))
        );
    }

    #[test]
    fn a_password_that_would_need_quoting_is_refused() {
        let mut data = credentials().to_secret_data();
        data.insert("rabbitmq-password".into(), ByteString(b"a@b".to_vec()));

        assert_eq!(
            Credentials::from_secret_data(&data),
            Err(CredentialsError::NotPlain("rabbitmq-password"))
        );
    }

    #[test]
    fn the_secret_outlives_its_platform() {
        let secret = credentials_secret(&minimal(), &credentials());

        assert_eq!(secret.metadata.name.as_deref(), Some("demo-credentials"));
        assert_eq!(secret.metadata.owner_references, None);
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let credentials = credentials();

        assert_eq!(format!("{credentials:?}"), "Credentials { .. }");
        assert_eq!(
            format!("{:?}", credentials.mongodb_passwords),
            "MongoDbPasswords { .. }"
        );
    }
}
