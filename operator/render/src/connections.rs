//! Where services find the stores: those the operator runs, or the user's own.

use operator_api::{
    Component,
    names::{RABBITMQ_PORT, REDIS_PORT, REPLICA_SET, mongodb_member, object_name},
};

use crate::{
    credentials::{Credentials, mongodb_user_name},
    platform::ValidatedPlatform,
    user_secrets::UserSecrets,
};

/// Connection strings of a platform's stores. A store of the user's own is never told credentials of our making.
#[derive(Clone, Copy)]
pub(crate) struct Connections<'a> {
    pub platform: &'a ValidatedPlatform,
    pub credentials: &'a Credentials,
    pub given: &'a UserSecrets,
}

impl Connections<'_> {
    /// A service's own database, in which its user is defined too.
    pub fn mongodb(&self, service: Component, password: &str) -> String {
        if let Some(given) = self.given.mongodb(service) {
            return given.to_owned();
        }
        let member = mongodb_member(&self.platform.namespace, &self.platform.name);
        let user = mongodb_user_name(service, self.credentials.passwords.generation);

        format!(
            "mongodb://{user}:{password}@{member}/{service}?replicaSet={REPLICA_SET}&authSource={service}&authMechanism=SCRAM-SHA-256"
        )
    }

    pub fn redis(&self) -> String {
        if let Some(given) = self.given.redis() {
            return given.to_owned();
        }
        let host = object_name(&self.platform.name, Component::Redis);
        let password = &self.credentials.passwords.redis;

        format!("redis://:{password}@{host}:{REDIS_PORT}")
    }

    /// The default virtual host `/` is percent-encoded.
    pub fn rabbitmq(&self) -> String {
        if let Some(given) = self.given.rabbitmq() {
            return given.to_owned();
        }
        let host = object_name(&self.platform.name, Component::RabbitMq);
        let login = &self.credentials.passwords.rabbitmq;
        let (user, password) = (login.user.as_str(), &login.password);

        format!("amqp://{user}:{password}@{host}:{RABBITMQ_PORT}/%2f")
    }
}
