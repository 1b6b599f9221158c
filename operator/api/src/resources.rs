//! What a container is promised and what it may use at most.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{
    quantity::{Bytes, Cpu},
    rules,
};

/// Requests and limits of a component's container.
///
/// What is left out is the component's default; a default never contradicts what is given, it moves out of the way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::cpu_limit_is_not_below_request(), validation = rules::memory_limit_is_not_below_request())]
pub struct Resources {
    /// What the scheduler sets aside for the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<ResourceAmounts>,

    /// What the container may not exceed: it is slowed down above the processor limit and ended above the memory limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<ResourceAmounts>,
}

/// Processor time and memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceAmounts {
    /// Processors: a whole number such as `2`, a fraction in quotes such as `"0.5"`, or thousandths such as `250m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,

    /// Memory with its unit, such as `256Mi` or `1Gi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}
