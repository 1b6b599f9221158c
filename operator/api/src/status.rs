//! What the operator reports: conditions, the reasons they can have, and the state of each component.

use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::{credentials::CredentialsStatus, names::Component};

/// Longest message of a condition or component, in characters, as Kubernetes bounds it.
pub const MAX_MESSAGE: usize = 32768;

/// What the operator last saw and did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SocialPlatformStatus {
    /// The `metadata.generation` everything here is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,

    /// Version of the services that was rolled out last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub version: Option<String>,

    /// Address of the gateway inside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub url: Option<String>,

    /// How many components are ready, and which are waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub progress: Option<String>,

    /// Which passwords and keys are in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialsStatus>,

    /// The state of the platform as a whole, one condition per type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,

    /// The state of each component.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub components: Vec<ComponentStatus>,
}

/// The state of one component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// Name of the component.
    pub name: Component,

    /// Pods that are ready.
    #[schemars(range(min = 0))]
    pub ready: i32,

    /// Pods that are wanted.
    #[schemars(range(min = 0))]
    pub desired: i32,

    /// Pods that are of the wanted version and settings.
    #[schemars(range(min = 0))]
    pub updated: i32,

    /// Why the component is in this state, in one word.
    #[schemars(length(max = 128))]
    pub reason: String,

    /// Why the component is in this state, in a sentence.
    #[schemars(length(max = MAX_MESSAGE))]
    pub message: String,
}

/// Kubernetes' own type of conditions, with its bounds, which the Rust type does not carry.
fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 8,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "description": "One aspect of the platform's state.",
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {
                    "description": "What the condition is about.",
                    "type": "string",
                    "maxLength": 316,
                },
                "status": {
                    "description": "Whether it holds.",
                    "type": "string",
                    "enum": ["True", "False", "Unknown"],
                },
                "observedGeneration": {
                    "description": "The `metadata.generation` this is about.",
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0,
                },
                "lastTransitionTime": {
                    "description": "When the status last changed.",
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64,
                },
                "reason": {
                    "description": "Why it holds or not, in one word. docs/troubleshooting.md explains each.",
                    "type": "string",
                    "maxLength": 1024,
                },
                "message": {
                    "description": "Why it holds or not, in a sentence.",
                    "type": "string",
                    "maxLength": MAX_MESSAGE,
                },
            },
        },
    })
}

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConditionType {
    /// The platform is as wanted and its gateway answered. Never true for a generation that was not looked at.
    Ready,
    /// People are served, whatever else is under way.
    Available,
    /// A first start, a new version or new settings are being rolled out, or passwords or keys are being replaced.
    Progressing,
    /// Something that is wanted does not run although nothing is being rolled out.
    Degraded,
    /// The operator has work left and goes on by itself. Present for tools that follow the kstatus conventions.
    Reconciling,
    /// The operator cannot go on until somebody changes something.
    Stalled,
}

impl ConditionType {
    pub const ALL: [Self; 6] = [
        Self::Ready,
        Self::Available,
        Self::Progressing,
        Self::Degraded,
        Self::Reconciling,
        Self::Stalled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Available => "Available",
            Self::Progressing => "Progressing",
            Self::Degraded => "Degraded",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }
}
