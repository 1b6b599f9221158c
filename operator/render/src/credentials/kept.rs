//! How credentials are kept in one Secret, the stage of a replacement included: whoever reads it knows where to go on.

use std::{collections::BTreeMap, str};

use k8s_openapi::{ByteString, jiff::Timestamp};
use sha2::{Digest as _, Sha256};

use super::{
    Credentials, MongoDbPasswords, Passwords, PasswordsStage, RabbitMqLogin, RabbitMqUser,
    TokenKeys, TokenKeysStage,
};

/// What is on its way in has keys that begin so.
const NEXT: &str = "next-";
/// What is on its way out.
const LAST: &str = "last-";

const ANNOUNCED_UNTIL: &str = "next-token-keys-from";
const LAST_JWKS: &str = "last-jwks.json";
const TOKENS_UNTIL: &str = "last-token-keys-until";
const PASSWORDS_UNTIL: &str = "last-passwords-until";

/// A credentials Secret that cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    #[error("it has no key {0}")]
    Missing(String),

    #[error("key {0} is empty")]
    Empty(String),

    #[error("key {0} is not text")]
    NotText(String),

    #[error("key {0} may hold only letters, digits, hyphens and underscores")]
    NotPlain(String),

    #[error("key {0} must be a number from 1 to 1000000")]
    NotAGeneration(String),

    #[error("key {0} must be a time, such as 2026-01-31T12:00:00Z")]
    NotATime(String),

    #[error("key {0} must be social or social-2")]
    NotAUser(String),
}

impl Credentials {
    /// Reads what [`Self::to_secret_data`] wrote. Keys that somebody added are left alone.
    pub fn from_secret_data(data: &BTreeMap<String, ByteString>) -> Result<Self, CredentialsError> {
        let kept = Kept(data);
        let passwords = kept.passwords("")?;

        Ok(Self {
            mongodb_keyfile: kept.text("mongodb-keyfile")?,
            refresh_key: kept.text("refresh-key")?,
            cursor_key: if kept.has("cursor-key") {
                kept.text("cursor-key")?
            } else {
                cursor_key(&passwords.mongodb.post)
            },
            token_keys: kept.token_keys("")?,
            token_keys_stage: kept.token_keys_stage()?,
            passwords,
            passwords_stage: kept.passwords_stage()?,
        })
    }

    /// The content of the credentials Secret.
    pub fn to_secret_data(&self) -> BTreeMap<String, ByteString> {
        let Self {
            mongodb_keyfile,
            refresh_key,
            cursor_key,
            token_keys,
            token_keys_stage,
            passwords,
            passwords_stage,
        } = self;
        let mut text = BTreeMap::from([
            ("mongodb-keyfile".to_owned(), mongodb_keyfile.clone()),
            ("refresh-key".to_owned(), refresh_key.clone()),
            ("cursor-key".to_owned(), cursor_key.clone()),
        ]);
        text.extend(token_keys_entries("", token_keys));
        text.extend(passwords_entries("", passwords));
        match token_keys_stage {
            TokenKeysStage::Settled => {}
            TokenKeysStage::Announced { next, until } => {
                text.extend(token_keys_entries(NEXT, next));
                text.extend(until.map(|until| (ANNOUNCED_UNTIL.to_owned(), until.to_string())));
            }
            TokenKeysStage::Switching { last_jwks } => {
                text.insert(LAST_JWKS.to_owned(), last_jwks.clone());
            }
            TokenKeysStage::Retiring { last_jwks, until } => {
                text.insert(LAST_JWKS.to_owned(), last_jwks.clone());
                text.insert(TOKENS_UNTIL.to_owned(), until.to_string());
            }
        }
        match passwords_stage {
            PasswordsStage::Settled => {}
            PasswordsStage::Learning { next } => text.extend(passwords_entries(NEXT, next)),
            PasswordsStage::Moving { last } => text.extend(passwords_entries(LAST, last)),
            PasswordsStage::Leaving { last, until } => {
                text.extend(passwords_entries(LAST, last));
                text.insert(PASSWORDS_UNTIL.to_owned(), until.to_string());
            }
        }

        text.into_iter()
            .map(|(key, text)| (key, ByteString(text.into_bytes())))
            .collect()
    }
}

/// The key cursors were made with before they had one among what is generated. It stays when the passwords change.
pub(super) fn cursor_key(password: &str) -> String {
    hex::encode(Sha256::digest(format!("cursors {password}")))
}

fn token_keys_entries(prefix: &str, keys: &TokenKeys) -> [(String, String); 3] {
    let TokenKeys {
        generation,
        signing_key_pem,
        jwks,
    } = keys;

    [
        ("token-keys-generation", generation.to_string()),
        ("signing-key.pem", signing_key_pem.clone()),
        ("jwks.json", jwks.clone()),
    ]
    .map(|(key, text)| (format!("{prefix}{key}"), text))
}

fn passwords_entries(prefix: &str, passwords: &Passwords) -> [(String, String); 9] {
    let Passwords {
        generation,
        mongodb:
            MongoDbPasswords {
                identity,
                post,
                media,
                search,
            },
        rabbitmq:
            RabbitMqLogin {
                user,
                password,
                password_hash,
            },
        redis,
    } = passwords;

    [
        ("passwords-generation", generation.to_string()),
        ("mongodb-password-identity", identity.clone()),
        ("mongodb-password-post", post.clone()),
        ("mongodb-password-media", media.clone()),
        ("mongodb-password-search", search.clone()),
        ("rabbitmq-user", user.as_str().to_owned()),
        ("rabbitmq-password", password.clone()),
        ("rabbitmq-password-hash", password_hash.clone()),
        ("redis-password", redis.clone()),
    ]
    .map(|(key, text)| (format!("{prefix}{key}"), text))
}

/// A Secret's content, to be read key by key.
struct Kept<'a>(&'a BTreeMap<String, ByteString>);

impl Kept<'_> {
    fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    fn text(&self, key: &str) -> Result<String, CredentialsError> {
        let value = self.0.get(key);
        let value = value.ok_or_else(|| CredentialsError::Missing(key.to_owned()))?;
        let text =
            str::from_utf8(&value.0).map_err(|_| CredentialsError::NotText(key.to_owned()))?;
        if text.trim().is_empty() {
            return Err(CredentialsError::Empty(key.to_owned()));
        }

        Ok(text.to_owned())
    }

    /// Passwords are written into URLs and settings files as they are.
    fn password(&self, key: &str) -> Result<String, CredentialsError> {
        let password = self.text(key)?;
        let is_plain = password
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "-_".contains(char));

        if is_plain {
            Ok(password)
        } else {
            Err(CredentialsError::NotPlain(key.to_owned()))
        }
    }

    /// What was made before there were generations is the first.
    fn generation(&self, key: &str) -> Result<i32, CredentialsError> {
        if !self.has(key) {
            return Ok(1);
        }

        let generation = self.text(key)?.trim().parse().ok();
        generation
            .filter(|generation| (1..=1_000_000).contains(generation))
            .ok_or_else(|| CredentialsError::NotAGeneration(key.to_owned()))
    }

    fn time(&self, key: &str) -> Result<Timestamp, CredentialsError> {
        let time = self.text(key)?;

        time.trim()
            .parse()
            .map_err(|_| CredentialsError::NotATime(key.to_owned()))
    }

    fn token_keys(&self, prefix: &str) -> Result<TokenKeys, CredentialsError> {
        Ok(TokenKeys {
            generation: self.generation(&format!("{prefix}token-keys-generation"))?,
            signing_key_pem: self.text(&format!("{prefix}signing-key.pem"))?,
            jwks: self.text(&format!("{prefix}jwks.json"))?,
        })
    }

    fn token_keys_stage(&self) -> Result<TokenKeysStage, CredentialsError> {
        if self.has(&format!("{NEXT}signing-key.pem")) {
            return Ok(TokenKeysStage::Announced {
                next: self.token_keys(NEXT)?,
                until: if self.has(ANNOUNCED_UNTIL) {
                    Some(self.time(ANNOUNCED_UNTIL)?)
                } else {
                    None
                },
            });
        }
        if !self.has(LAST_JWKS) {
            return Ok(TokenKeysStage::Settled);
        }

        let last_jwks = self.text(LAST_JWKS)?;
        Ok(if self.has(TOKENS_UNTIL) {
            let until = self.time(TOKENS_UNTIL)?;
            TokenKeysStage::Retiring { last_jwks, until }
        } else {
            TokenKeysStage::Switching { last_jwks }
        })
    }

    fn passwords(&self, prefix: &str) -> Result<Passwords, CredentialsError> {
        let key = |key: &str| format!("{prefix}{key}");
        let password = |name: &str| self.password(&key(name));

        Ok(Passwords {
            generation: self.generation(&key("passwords-generation"))?,
            mongodb: MongoDbPasswords {
                identity: password("mongodb-password-identity")?,
                post: password("mongodb-password-post")?,
                media: password("mongodb-password-media")?,
                search: password("mongodb-password-search")?,
            },
            rabbitmq: RabbitMqLogin {
                user: self.rabbitmq_user(&key("rabbitmq-user"))?,
                password: password("rabbitmq-password")?,
                password_hash: self.text(&key("rabbitmq-password-hash"))?,
            },
            redis: password("redis-password")?,
        })
    }

    fn rabbitmq_user(&self, key: &str) -> Result<RabbitMqUser, CredentialsError> {
        if !self.has(key) {
            return Ok(RabbitMqUser::First);
        }

        let name = self.text(key)?;
        [RabbitMqUser::First, RabbitMqUser::Second]
            .into_iter()
            .find(|user| user.as_str() == name.trim())
            .ok_or_else(|| CredentialsError::NotAUser(key.to_owned()))
    }

    fn passwords_stage(&self) -> Result<PasswordsStage, CredentialsError> {
        if self.has(&format!("{NEXT}redis-password")) {
            let next = Box::new(self.passwords(NEXT)?);
            return Ok(PasswordsStage::Learning { next });
        }
        if !self.has(&format!("{LAST}redis-password")) {
            return Ok(PasswordsStage::Settled);
        }

        let last = Box::new(self.passwords(LAST)?);
        Ok(if self.has(PASSWORDS_UNTIL) {
            let until = self.time(PASSWORDS_UNTIL)?;
            PasswordsStage::Leaving { last, until }
        } else {
            PasswordsStage::Moving { last }
        })
    }
}
