//! Credentials whose Secret was deleted, read back from what was made of them.

use std::{collections::BTreeMap, str};

use k8s_openapi::{ByteString, api::core::v1::Secret};
use operator_api::Component;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    Credentials, MongoDbPasswords, PasswordsStage, RabbitMqLogin, RabbitMqUser, TokenKeys,
    TokenKeysStage, mongodb_user_name,
};
use crate::{
    env::{MONGODB_URL_KEY, RABBITMQ_URL_KEY, REDIS_URL_KEY},
    identity::{REFRESH_KEY, SIGNING_KEY},
    keyfile::KEY_FILE,
    objects::ServiceObjects,
    platform::ValidatedPlatform,
    post::CURSOR_KEY,
    rabbitmq::DEFINITIONS_FILE,
    render,
    user_secrets::UserSecrets,
};

/// The components' own Secrets, all of them the platform's.
pub type Derived = BTreeMap<Component, Secret>;

/// The credentials that `derived` were made of, if all of them are there and agree. A replacement that was under way counts
/// as settled with what the services use.
///
/// Nothing was made for a store of the user's own: what nobody uses is as `fresh` has it. Of the token keys the public half
/// and the generation cannot be read there; `token_keys` makes them of the signing key.
pub fn rebuilt(
    platform: &ValidatedPlatform,
    derived: &Derived,
    fresh: Credentials,
    token_keys: impl FnOnce(String) -> Option<TokenKeys>,
) -> Option<Credentials> {
    let text = |component, key| text(derived, component, key);
    let runs = |store| platform.managed_store(store).is_some();
    let mut passwords = fresh.passwords;
    let mut mongodb_keyfile = fresh.mongodb_keyfile;
    if runs(Component::MongoDb) {
        let mongodb = |service| login(text(service, MONGODB_URL_KEY)?);
        let (user, identity) = mongodb(Component::Identity)?;
        mongodb_keyfile = text(Component::MongoDb, KEY_FILE)?.to_owned();
        passwords.generation = generation(&user)?;
        passwords.mongodb = MongoDbPasswords {
            post: mongodb(Component::Post)?.1,
            media: mongodb(Component::Media)?.1,
            search: mongodb(Component::Search)?.1,
            identity,
        };
    }
    if runs(Component::RabbitMq) {
        passwords.rabbitmq = rabbitmq_login(
            text(Component::Identity, RABBITMQ_URL_KEY)?,
            text(Component::RabbitMq, DEFINITIONS_FILE)?,
        )?;
    }
    if runs(Component::Redis) {
        passwords.redis = login(text(Component::Gateway, REDIS_URL_KEY)?)?.1;
    }
    let credentials = Credentials {
        mongodb_keyfile,
        refresh_key: text(Component::Identity, REFRESH_KEY)?.to_owned(),
        cursor_key: text(Component::Post, CURSOR_KEY)?.to_owned(),
        token_keys: token_keys(text(Component::Identity, SIGNING_KEY)?.to_owned())?,
        token_keys_stage: TokenKeysStage::Settled,
        passwords,
        passwords_stage: PasswordsStage::Settled,
    };

    gives(platform, &credentials, derived).then_some(credentials)
}

/// Whether these credentials give what the services know, to the last byte.
fn gives(platform: &ValidatedPlatform, credentials: &Credentials, derived: &Derived) -> bool {
    let objects = render(platform, credentials, &UserSecrets::default());
    let is_the_users = |key: &str| match key {
        MONGODB_URL_KEY => platform.managed_store(Component::MongoDb).is_none(),
        RABBITMQ_URL_KEY => platform.managed_store(Component::RabbitMq).is_none(),
        REDIS_URL_KEY => platform.managed_store(Component::Redis).is_none(),
        _ => false,
    };

    [
        (Component::Identity, objects.identity),
        (Component::Post, objects.post),
        (Component::Media, objects.media),
        (Component::Search, objects.search),
        (Component::Gateway, objects.gateway),
    ]
    .into_iter()
    .all(|(component, ServiceObjects { secret, .. })| {
        let found = derived
            .get(&component)
            .and_then(|secret| secret.data.as_ref());
        secret
            .data
            .iter()
            .flatten()
            .filter(|(key, _)| !is_the_users(key))
            .all(|(key, value)| found.and_then(|found| found.get(key)) == Some(value))
    })
}

fn text<'a>(derived: &'a Derived, component: Component, key: &str) -> Option<&'a str> {
    let value = derived.get(&component)?.data.as_ref()?.get(key)?;

    str::from_utf8(&value.0).ok()
}

/// User and password of a connection string of ours.
fn login(url: &str) -> Option<(String, String)> {
    let (user, password) = url
        .split_once("://")?
        .1
        .split_once('@')?
        .0
        .split_once(':')?;

    Some((user.to_owned(), password.to_owned()))
}

/// What a connection string of ours signs in to RabbitMQ with, as its definitions know it.
fn rabbitmq_login(url: &str, definitions: &str) -> Option<RabbitMqLogin> {
    let (user, password) = login(url)?;

    Some(RabbitMqLogin {
        password_hash: password_hash(definitions, &user, &password)?,
        user: [RabbitMqUser::First, RabbitMqUser::Second]
            .into_iter()
            .find(|known| known.as_str() == user)?,
        password,
    })
}

/// The generation of passwords that identity's user of MongoDB is of.
fn generation(user: &str) -> Option<i32> {
    let generation = match user.rsplit_once('-') {
        None => 1,
        Some((_, generation)) => generation.parse().ok()?,
    };

    (mongodb_user_name(Component::Identity, generation) == user).then_some(generation)
}

/// The hash that RabbitMQ's definitions have for the user, if it is one of this password.
fn password_hash(definitions: &str, user: &str, password: &str) -> Option<String> {
    let definitions: Value = serde_json::from_str(definitions).ok()?;
    let users = definitions["users"].as_array()?;
    let hash = &users.iter().find(|known| known["name"] == user)?["password_hash"];
    let ByteString(bytes) = serde_json::from_value(hash.clone()).ok()?;
    let (salt, digest) = bytes.split_at_checked(4)?;
    let is_of_password = Sha256::digest([salt, password.as_bytes()].concat())[..] == *digest;

    is_of_password.then(|| hash.as_str().unwrap_or_default().to_owned())
}
