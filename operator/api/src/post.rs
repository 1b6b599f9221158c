//! Post's part of the resource: how it runs, and how long pages are kept.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{pods::ServicePods, resources::Resources, rules};

/// How the post service runs, and how long it keeps pages of posts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::service_memory_is_enough(),
    validation = rules::replicas_are_fixed_or_follow())]
pub struct Post {
    #[serde(flatten)]
    pub pods: ServicePods,

    /// Requests and limits of each pod. Default: requests of 20m and 32Mi, limits of 1 processor and 256Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,

    /// How long a page of posts is kept in Redis. A new, changed or deleted post is seen at once all the same. Default: 60; 0 keeps
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub page_cache_ttl_seconds: Option<i32>,
}
