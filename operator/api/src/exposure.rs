//! How the gateway is reached from outside the cluster.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{pods, rules};

/// How the gateway is reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::node_port_is_asked_for())]
pub struct Exposure {
    /// `ClusterIP` is reached inside the cluster only, `NodePort` on a port of every node as well. Default: `ClusterIP`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<ExposureType>,

    /// The port of every node. Default: one that Kubernetes chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 30000, max = 32767))]
    pub node_port: Option<i32>,

    /// An Ingress before the gateway. Its controller is a proxy: say so in `trustedHops`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,

    /// An `HTTPRoute` of the Gateway API that leads to the gateway. The proxy behind it counts in `trustedHops`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route: Option<HttpRoute>,
}

/// Type of the gateway's Service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ExposureType {
    #[default]
    ClusterIP,
    NodePort,
}

/// An Ingress before the gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ingress {
    /// Name people reach the platform by, such as `social.example.com`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::is_a_host())]
    pub host: String,

    /// Class of the Ingress, which says whose controller serves it. Default: the cluster's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::is_an_object_name())]
    pub class_name: Option<String>,

    /// Secret with the certificate of `host`, in the platform's own namespace. Default: none, and no TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::is_an_object_name())]
    pub tls_secret_name: Option<String>,

    /// Annotations of the Ingress, which controllers read settings from: the largest body, who issues certificates.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "pods::annotations")]
    pub annotations: BTreeMap<String, String>,
}

/// An `HTTPRoute` that leads to the gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRoute {
    /// The Gateways the route belongs to.
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub parents: Vec<ParentGateway>,

    /// Names people reach the platform by. Default: all that the Gateways serve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Set, validation = rules::hosts_are_hosts())]
    pub hostnames: Vec<String>,
}

/// A Gateway of the Gateway API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParentGateway {
    /// Name of the Gateway.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::is_an_object_name())]
    pub name: String,

    /// Namespace of the Gateway, which itself has to allow routes from this one. Default: the platform's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::is_an_object_name())]
    pub namespace: Option<String>,

    /// Name of one of the Gateway's listeners. Default: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::is_an_object_name())]
    pub section_name: Option<String>,
}
