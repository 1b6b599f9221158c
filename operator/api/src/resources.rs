//! What a container is promised and what it may use at most.

use kube::{KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use crate::quantity::{Bytes, Cpu};

/// Requests and limits of a component's container.
///
/// What is left out is the component's default; a default never contradicts what is given, it moves out of the way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = at_least_the_request("cpu", "string"), validation = at_least_the_request("memory", ""))]
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

/// Kubernetes refuses a pod whose limit is below its request; this says so before there is a pod.
///
/// `as_text` makes text of a value that may be a number. Of what is text already it must not: the API server then no longer knows how
/// long the text is, takes the worst for granted, and refuses the rule as too costly.
fn at_least_the_request(resource: &str, as_text: &str) -> Rule {
    let limit = format!("self.limits.{resource}");
    let request = format!("self.requests.{resource}");
    let both_given =
        format!("has(self.limits) && has(self.requests) && has({limit}) && has({request})");

    Rule::new(format!(
        "!({both_given}) || quantity({as_text}({limit})).compareTo(quantity({as_text}({request}))) >= 0"
    ))
    .message(format!("limits.{resource} must not be below requests.{resource}").as_str())
}
