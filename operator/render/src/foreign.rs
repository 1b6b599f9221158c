//! Objects of kinds that a cluster has only when somebody installed them.

use std::fmt;
use std::marker::PhantomData;

use k8s_openapi::{
    Metadata, NamespaceResourceScope, Resource, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::Value;

/// A kind that is not Kubernetes' own.
pub trait ForeignKind {
    /// Group and version.
    const API_VERSION: &'static str;
    const GROUP: &'static str;
    const VERSION: &'static str;
    const KIND: &'static str;
    /// Its resource in paths of the API.
    const PLURAL: &'static str;
}

/// An object of such a kind. Its spec is kept whole, so that whatever somebody changes in it is noticed.
#[derive(Deserialize)]
#[serde(bound = "")]
pub struct Foreign<K> {
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub spec: Value,
    #[serde(skip)]
    kind: PhantomData<fn() -> K>,
}

/// `gateway.networking.k8s.io/v1`, kind `HTTPRoute`.
pub type HttpRoute = Foreign<HttpRouteKind>;

/// `monitoring.coreos.com/v1`, kind `PodMonitor`.
pub type PodMonitor = Foreign<PodMonitorKind>;

pub struct HttpRouteKind;

impl ForeignKind for HttpRouteKind {
    const API_VERSION: &'static str = "gateway.networking.k8s.io/v1";
    const GROUP: &'static str = "gateway.networking.k8s.io";
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "HTTPRoute";
    const PLURAL: &'static str = "httproutes";
}

pub struct PodMonitorKind;

impl ForeignKind for PodMonitorKind {
    const API_VERSION: &'static str = "monitoring.coreos.com/v1";
    const GROUP: &'static str = "monitoring.coreos.com";
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "PodMonitor";
    const PLURAL: &'static str = "podmonitors";
}

impl<K> Foreign<K> {
    pub(crate) fn new(metadata: ObjectMeta, spec: Value) -> Self {
        Self {
            metadata,
            spec,
            kind: PhantomData,
        }
    }
}

impl<K: ForeignKind> Resource for Foreign<K> {
    const API_VERSION: &'static str = K::API_VERSION;
    const GROUP: &'static str = K::GROUP;
    const KIND: &'static str = K::KIND;
    const VERSION: &'static str = K::VERSION;
    const URL_PATH_SEGMENT: &'static str = K::PLURAL;
    type Scope = NamespaceResourceScope;
}

impl<K: ForeignKind> Metadata for Foreign<K> {
    type Ty = ObjectMeta;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl<K: ForeignKind> Serialize for Foreign<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct(K::KIND, 4)?;
        object.serialize_field("apiVersion", K::API_VERSION)?;
        object.serialize_field("kind", K::KIND)?;
        object.serialize_field("metadata", &self.metadata)?;
        object.serialize_field("spec", &self.spec)?;
        object.end()
    }
}

impl<K> Clone for Foreign<K> {
    fn clone(&self) -> Self {
        Self::new(self.metadata.clone(), self.spec.clone())
    }
}

impl<K> PartialEq for Foreign<K> {
    fn eq(&self, other: &Self) -> bool {
        (&self.metadata, &self.spec) == (&other.metadata, &other.spec)
    }
}

impl<K: ForeignKind> fmt::Debug for Foreign<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct(K::KIND)
            .field("metadata", &self.metadata)
            .field("spec", &self.spec)
            .finish()
    }
}
