//! Identity's part of the resource: how it runs, how long tokens last, and what a password costs.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{pods::ServicePods, resources::Resources, rules};

/// How the identity service runs, how long tokens last, and what a password costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rules::service_memory_is_enough(),
    validation = rules::replicas_are_fixed_or_follow(),
    validation = rules::memory_holds_the_password_hashes(),
    validation = rules::sessions_outlast_access_tokens(),
    validation = rules::idle_sessions_end_between()
)]
pub struct Identity {
    #[serde(flatten)]
    pub pods: ServicePods,

    /// Requests and limits of each pod. Each whole processor of the limit hashes one password at a time, so memory has to hold that
    /// many times `passwordHash.memoryKib` and 32Mi. Default: requests of 20m and so much memory, limits of 1 processor and 256Mi,
    /// or what the hashes need where that is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,

    /// How long an access token is good for. Default: 3600, an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 86_400))]
    pub access_token_ttl_seconds: Option<i32>,

    /// How long a session lasts from login on, however often its refresh token is used. Default: 2592000, thirty days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 120, max = 31_536_000))]
    pub refresh_token_ttl_seconds: Option<i32>,

    /// How long a session lasts whose refresh token is not used. Default: 604800, seven days, or `refreshTokenTtlSeconds` if that is
    /// less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 120, max = 31_536_000))]
    pub refresh_token_idle_seconds: Option<i32>,

    /// What hashing one password costs, whoever guesses it and you. After a change, each hash is made anew when its owner logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<PasswordHash>,

    /// The fewest characters a new password may have; the most are 128. Default: 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 8, max = 64))]
    pub password_min_length: Option<i32>,
}

/// Parameters of Argon2id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::password_hashes_are_costly())]
pub struct PasswordHash {
    /// Memory of each hash, in KiB. Default: 19456, which is 19 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 7168, max = 262_144))]
    pub memory_kib: Option<i32>,

    /// Passes over that memory. Default: 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub iterations: Option<i32>,

    /// Lanes the memory is cut into. Each hash is computed on one processor, whatever their number. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16))]
    pub parallelism: Option<i32>,
}
