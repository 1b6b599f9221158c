//! How a platform fits into its cluster: who may reach its pods, who measures them, and what stays when it goes.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pods;

/// Who may reach the platform's pods, and whom they may reach.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// Whether each component has a policy that allows what it needs and nothing else. It takes a network plugin that
    /// enforces policies. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// How the platform is measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Monitoring {
    /// A `PodMonitor` of the Prometheus operator, which has every service's metrics collected. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_monitor: Option<PodMonitor>,
}

/// A `PodMonitor` of the platform's services.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodMonitor {
    /// Labels of the `PodMonitor`, by which a Prometheus selects what it collects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "pods::labels")]
    pub labels: BTreeMap<String, String>,

    /// How often metrics are collected. Default: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub interval_seconds: Option<i32>,
}

/// What becomes of volumes and generated credentials when the platform is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    // They stay, and a platform of the same name finds them again.
    #[default]
    Retain,
    // They go with the platform.
    Delete,
}
