//! The gateway's part of the resource: how it runs, how it is reached, and whom it lets through.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{exposure::Exposure, pods::ServicePods, resources::Resources, rules};

/// How the gateway runs, how it is reached, and whom it lets through.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::service_memory_is_enough(),
    validation = rules::replicas_are_fixed_or_follow())]
pub struct Gateway {
    #[serde(flatten)]
    pub pods: ServicePods,

    /// Requests and limits of each pod. Default: requests of 20m and 32Mi, limits of 1 processor and 256Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,

    /// How the gateway is reached from outside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,

    /// How many requests one client may send. Who sends more is answered 429 and told when to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,

    /// Which web pages of other origins may use the API from a browser. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,

    /// How many proxies of your own stand before the gateway and each append the address they were called from to
    /// `X-Forwarded-For`. The client's address, which rate limits go by, is read so many entries from the header's end. Too large
    /// a number lets clients choose their address; with too small a one they all share the proxy's. Default: 0, the address
    /// of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10))]
    pub trusted_hops: Option<i32>,
}

/// How many requests one client may send: so many in a burst, and so many in each minute on the whole.
///
/// A client is an IPv4 address or the first 64 bits of an IPv6 address. The gateway's pods count together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Requests in each minute, once the burst is used up. Default: 1200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub requests_per_minute: Option<i32>,

    /// Requests that may come at once. Default: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: Option<i32>,

    /// As `requestsPerMinute`, of registering, logging in and refreshing tokens, which cost most and are guessed at. These
    /// requests count against both limits. Default: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub auth_requests_per_minute: Option<i32>,

    /// As `burst`, of registering, logging in and refreshing tokens. Default: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub auth_burst: Option<i32>,
}

/// Which web pages of other origins may use the API from a browser.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cors {
    /// Origins as browsers spell them, such as `https://app.example.com`, or `*` alone for every origin. Tokens travel in a
    /// header and never in a cookie, so no origin can use what a person keeps in another. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = rules::origins_are_origins(),
        validation = rules::every_origin_stands_alone()
    )]
    pub allowed_origins: Vec<String>,
}
