//! Everything generated for a platform, and how far the replacement of any of it is.

mod kept;
mod rebuilt;

use std::{fmt, iter};

use k8s_openapi::{api::core::v1::Secret, jiff::Timestamp};
use operator_api::{Component, names::credentials_name};

use crate::{jwks, labels, platform::ValidatedPlatform};

pub use kept::CredentialsError;
pub use rebuilt::{Derived, rebuilt};

/// What a platform's programs know each other by. Made once and replaced on request alone; a platform that is deleted and made again
/// finds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The secret MongoDB's members share: 6 to 1024 base64 characters. Whoever knows it is MongoDB itself.
    pub mongodb_keyfile: String,
    /// The key of refresh tokens: 32 bytes as 64 hexadecimal digits.
    pub refresh_key: String,
    /// The key of post's cursors: 32 bytes as 64 hexadecimal digits.
    pub cursor_key: String,
    /// The keys that tokens are signed with.
    pub token_keys: TokenKeys,
    pub token_keys_stage: TokenKeysStage,
    /// The passwords that the services use.
    pub passwords: Passwords,
    pub passwords_stage: PasswordsStage,
}

/// One pair of keys for access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKeys {
    pub generation: i32,
    /// The Ed25519 key that tokens are signed with, as PKCS#8 PEM.
    pub signing_key_pem: String,
    /// Its public half, as a JSON Web Key Set.
    pub jwks: String,
}

/// How far the replacement of the token keys is. Tokens are checked with the old and the new key from its beginning to its end.
#[derive(Clone, PartialEq, Eq)]
pub enum TokenKeysStage {
    Settled,
    /// Everybody gets to know the new public key. It signs nothing before `until`, which is counted from when it is published.
    Announced {
        next: TokenKeys,
        until: Option<Timestamp>,
    },
    /// The new key is the one that signs, in the pods of identity that know it.
    Switching {
        last_jwks: String,
    },
    /// No pod signs with the old key. Tokens it signed are good until they expire, which is before `until`.
    Retiring {
        last_jwks: String,
        until: Timestamp,
    },
}

/// What the services sign in to the stores with.
#[derive(Clone, PartialEq, Eq)]
pub struct Passwords {
    pub generation: i32,
    pub mongodb: MongoDbPasswords,
    pub rabbitmq: RabbitMqLogin,
    pub redis: String,
}

/// One password per service: each has its own database and no access to another's.
#[derive(Clone, PartialEq, Eq)]
pub struct MongoDbPasswords {
    pub identity: String,
    pub post: String,
    pub media: String,
    pub search: String,
}

#[derive(Clone, PartialEq, Eq)]
pub struct RabbitMqLogin {
    pub user: RabbitMqUser,
    pub password: String,
    /// The password as RabbitMQ's definitions take it: base64 of four bytes of salt and SHA-256 of salt and password.
    pub password_hash: String,
}

/// RabbitMQ's users take turns: the server forgets none by itself, so there are to be no more than two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RabbitMqUser {
    First,
    Second,
}

/// How far the replacement of the passwords is. The stores take the old and the new ones from its beginning to its end.
#[derive(Clone, PartialEq, Eq)]
pub enum PasswordsStage {
    Settled,
    /// The stores get to know the new passwords; no service uses them.
    Learning {
        next: Box<Passwords>,
    },
    /// The services are given the new passwords; pods from before still use the old ones.
    Moving {
        last: Box<Passwords>,
    },
    /// Every service uses the new passwords. Pods from before end before `until`.
    Leaving {
        last: Box<Passwords>,
        until: Timestamp,
    },
}

/// A user of MongoDB, who reads and writes the database of one service.
#[derive(Clone, PartialEq, Eq)]
pub struct MongoDbUser<'a> {
    pub service: Component,
    pub name: String,
    pub password: &'a str,
}

impl Credentials {
    /// Every public key that tokens are checked with at the moment, as a JSON Web Key Set.
    pub fn public_keys(&self) -> String {
        match &self.token_keys_stage {
            TokenKeysStage::Settled => self.token_keys.jwks.clone(),
            TokenKeysStage::Announced { next, .. } => {
                jwks::merged(&self.token_keys.jwks, &next.jwks)
            }
            TokenKeysStage::Switching { last_jwks }
            | TokenKeysStage::Retiring { last_jwks, .. } => {
                jwks::merged(&self.token_keys.jwks, last_jwks)
            }
        }
    }

    /// Everything the stores take: the passwords in force, and those on their way in or out.
    pub fn known_passwords(&self) -> impl Iterator<Item = &Passwords> {
        let other = match &self.passwords_stage {
            PasswordsStage::Settled => None,
            PasswordsStage::Learning { next: other }
            | PasswordsStage::Moving { last: other }
            | PasswordsStage::Leaving { last: other, .. } => Some(&**other),
        };

        // In an order that stays the same while the two change places: it shows in files that restart who reads them.
        let mut known: Vec<_> = iter::once(&self.passwords).chain(other).collect();
        known.sort_by_key(|passwords| passwords.generation);

        known.into_iter()
    }
}

impl Passwords {
    pub fn mongodb_users(&self) -> [MongoDbUser<'_>; 4] {
        let MongoDbPasswords {
            identity,
            post,
            media,
            search,
        } = &self.mongodb;

        [
            (Component::Identity, identity),
            (Component::Post, post),
            (Component::Media, media),
            (Component::Search, search),
        ]
        .map(|(service, password)| MongoDbUser {
            service,
            name: mongodb_user_name(service, self.generation),
            password,
        })
    }
}

/// Each generation of passwords has users of its own, so that the old ones are there until nobody needs them.
pub(crate) fn mongodb_user_name(service: Component, generation: i32) -> String {
    match generation {
        1 => service.to_string(),
        _ => format!("{service}-{generation}"),
    }
}

impl RabbitMqUser {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "social",
            Self::Second => "social-2",
        }
    }

    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
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

/// Says how far replacements are, and nothing that is secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token_keys = match self.token_keys_stage {
            TokenKeysStage::Settled => "settled",
            TokenKeysStage::Announced { .. } => "announced",
            TokenKeysStage::Switching { .. } => "switching",
            TokenKeysStage::Retiring { .. } => "retiring",
        };
        let passwords = match self.passwords_stage {
            PasswordsStage::Settled => "settled",
            PasswordsStage::Learning { .. } => "learning",
            PasswordsStage::Moving { .. } => "moving",
            PasswordsStage::Leaving { .. } => "leaving",
        };

        formatter
            .debug_struct("Credentials")
            .field("token_keys", &(self.token_keys.generation, token_keys))
            .field("passwords", &(self.passwords.generation, passwords))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
