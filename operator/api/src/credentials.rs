//! What the platform's programs know each other by, and how new passwords and keys are asked for.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules;

/// Passwords and keys. The operator makes them, keeps them in the Secret `<name>-credentials`, and replaces them when it is asked to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::only_what_is_generated_is_rotated())]
pub struct CredentialSource {
    /// A Secret of your own to read all passwords and keys from, in the platform's own namespace, with the keys of
    /// `<name>-credentials` and the label `socialplatform.io/credentials-for: <name>`. It is never written to and stays when the
    /// platform goes. Default: they are generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::is_an_object_name())]
    pub existing_secret: Option<String>,

    /// Raise it to have access tokens signed with a new key. The old key is known until the last token signed with it has expired,
    /// so nobody is logged out. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub token_keys_generation: Option<i32>,

    /// Raise it to have new passwords for MongoDB, Redis and RabbitMQ. The old ones are known until no pod uses them, so no request
    /// fails; Redis and RabbitMQ restart twice, the services once. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub passwords_generation: Option<i32>,
}

/// Which passwords and keys are in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsStatus {
    /// Generation of the key that access tokens are signed with.
    #[schemars(range(min = 1))]
    pub token_keys_generation: i32,

    /// Generation of the passwords the services use.
    #[schemars(range(min = 1))]
    pub passwords_generation: i32,

    /// What is being replaced and waited for, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub rotation: Option<String>,
}
