//! What media's place for files is reached with: values in a Secret of the user's own, found by the name in the resource.
//!
//! They are copied into media's own Secret, so that its pods start when the user's Secret is gone for a moment, and are
//! replaced when its content changes.

use std::{collections::BTreeMap, fmt};

use k8s_openapi::api::core::v1::Secret;

use crate::platform::{MediaStorage, ValidatedPlatform};

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

/// The values themselves, one for each of the storage's keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StorageSecrets(BTreeMap<&'static str, String>);

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

impl StorageSecrets {
    /// Reads what the platform's storage needs from the Secret that was found under the name the resource gives.
    pub fn read(
        platform: &ValidatedPlatform,
        found: Option<&Secret>,
    ) -> Result<Self, ReferenceError> {
        let storage = &platform.media.storage;
        let Some((field, name)) = storage.secret() else {
            return Ok(Self::default());
        };
        let Some(found) = found else {
            return Err(ReferenceError::Missing {
                field,
                name: name.to_owned(),
                keys: storage.keys().iter().map(|key| key.given_as).collect(),
            });
        };

        storage
            .keys()
            .iter()
            .map(|key| {
                let text = text(found, key.given_as).ok_or_else(|| ReferenceError::NoKey {
                    field,
                    name: name.to_owned(),
                    key: key.given_as,
                })?;
                Ok((key.kept_as, text))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The content of media's own Secret.
    pub(crate) fn content(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, text)| (*key, text.as_str()))
    }
}

impl fmt::Debug for StorageSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StorageSecrets")
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
        keys => format!("the keys {}", keys.join(" and ")),
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
            StorageSecrets::read(&minimal(), None),
            Ok(StorageSecrets::default())
        );
    }

    #[test]
    fn values_are_taken_without_the_line_end_of_the_file_they_came_from() {
        let given = secret(&[
            ("accessKeyId", "id\n"),
            ("secretAccessKey", " secret "),
            ("other", "x"),
        ]);
        let read = StorageSecrets::read(&s3(), Some(&given)).unwrap();

        assert_eq!(
            read.content().collect::<Vec<_>>(),
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
            StorageSecrets::read(platform, found.as_ref())
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
    fn debug_output_holds_no_secret() {
        assert_eq!(
            format!("{:?}", StorageSecrets::default()),
            "StorageSecrets { .. }"
        );
    }
}
