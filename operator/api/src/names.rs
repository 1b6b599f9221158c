//! Names that more than one crate must spell the same way: components, objects, addresses.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Group and version of the resource.
pub const API_VERSION: &str = "socialplatform.io/v1alpha1";

/// Kind of the resource.
pub const KIND: &str = "SocialPlatform";

/// Longest name a `SocialPlatform` may have, so that every name made of it stays a DNS label: a StatefulSet's pods carry a label of
/// the set's name and eleven characters more.
pub const MAX_PLATFORM_NAME: usize = 40;

/// Port of every service's public API, and of the Services before them.
pub const HTTP_PORT: u16 = 8080;

/// Port of every service's health and metrics. No Service exposes it.
pub const ADMIN_PORT: u16 = 9090;

/// Who makes a platform's objects: the value of their `app.kubernetes.io/managed-by`, and the manager of their fields.
pub const MANAGER: &str = "socialplatform-operator";

pub const MONGODB_PORT: u16 = 27017;
pub const REDIS_PORT: u16 = 6379;
pub const RABBITMQ_PORT: u16 = 5672;

/// Name of MongoDB's replica set.
pub const REPLICA_SET: &str = "rs0";

/// One part of a platform: a program with pods of its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Component {
    Gateway,
    Identity,
    Post,
    Media,
    Search,
    MongoDb,
    Redis,
    RabbitMq,
}

impl Component {
    /// Every component, in the order the status lists them.
    pub const ALL: [Self; 8] = [
        Self::Gateway,
        Self::Identity,
        Self::Post,
        Self::Media,
        Self::Search,
        Self::MongoDb,
        Self::Redis,
        Self::RabbitMq,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Identity => "identity",
            Self::Post => "post",
            Self::Media => "media",
            Self::Search => "search",
            Self::MongoDb => "mongodb",
            Self::Redis => "redis",
            Self::RabbitMq => "rabbitmq",
        }
    }

    /// Whether this component keeps data: a StatefulSet with a volume instead of a Deployment.
    pub const fn is_store(self) -> bool {
        matches!(self, Self::MongoDb | Self::Redis | Self::RabbitMq)
    }
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Name of a component's objects: its Deployment or StatefulSet, its Service, its Secret.
pub fn object_name(platform: &str, component: Component) -> String {
    format!("{platform}-{component}")
}

/// Name of the Secret with everything generated for a platform. It outlives the platform, as the volumes do that need it.
pub fn credentials_name(platform: &str) -> String {
    format!("{platform}-credentials")
}

/// Name of the `ConfigMap` with the public keys that tokens are checked with.
pub fn jwks_name(platform: &str) -> String {
    format!("{platform}-jwks")
}

/// Address of the gateway inside the cluster, as `status.url` shows it.
pub fn gateway_url(namespace: &str, platform: &str) -> String {
    let service = object_name(platform, Component::Gateway);

    format!("http://{service}.{namespace}.svc:{HTTP_PORT}")
}

/// Host and port of MongoDB's member, as its replica set knows it and as every client must spell it.
pub fn mongodb_member(namespace: &str, platform: &str) -> String {
    let set = object_name(platform, Component::MongoDb);

    format!("{set}-0.{set}.{namespace}.svc:{MONGODB_PORT}")
}

/// Whether a label may have this value: at most 63 letters, digits, dots, hyphens and underscores, with a letter or digit at both
/// ends. An image's tag that pods are to carry has to be one too.
pub fn is_label_value(text: &str) -> bool {
    let is_end = |end: char| end.is_ascii_alphanumeric();

    text.len() <= 63
        && text.starts_with(is_end)
        && text.ends_with(is_end)
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "._-".contains(char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_documented() {
        assert_eq!(object_name("demo", Component::MongoDb), "demo-mongodb");
        assert_eq!(
            gateway_url("town", "demo"),
            "http://demo-gateway.town.svc:8080"
        );
        assert_eq!(
            mongodb_member("town", "demo"),
            "demo-mongodb-0.demo-mongodb.town.svc:27017"
        );
    }

    #[test]
    fn label_values_are_plain_and_short() {
        for value in ["a", "1.2.3-rc.1_b", &"a".repeat(63)] {
            assert!(is_label_value(value), "{value}");
        }
        for value in ["", "-a", "a.", "a b", "a/b", "ä", &"a".repeat(64)] {
            assert!(!is_label_value(value), "{value}");
        }
    }

    #[test]
    fn version_and_kind_are_those_of_the_resource() {
        use kube::Resource as _;

        assert_eq!(API_VERSION, crate::SocialPlatform::api_version(&()));
        assert_eq!(KIND, crate::SocialPlatform::kind(&()));
    }

    #[test]
    fn components_are_serialized_by_their_name() {
        for component in Component::ALL {
            assert_eq!(serde_json::to_value(component).unwrap(), component.as_str());
        }
    }
}
