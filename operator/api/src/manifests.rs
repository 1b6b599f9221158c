//! The resource's definition as files: what `crdgen` writes and the repository keeps.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;

use crate::SocialPlatform;

/// The definition of `SocialPlatform` as the API server takes it.
pub fn crd() -> CustomResourceDefinition {
    SocialPlatform::crd()
}

/// Every generated file: its path from the root of the repository, and its text.
pub fn manifests() -> Vec<(String, String)> {
    let crd = crd();
    let name = SocialPlatform::crd_name();

    vec![(format!("crds/{name}.yaml"), yaml(&crd))]
}

fn yaml(crd: &CustomResourceDefinition) -> String {
    serde_yaml::to_string(crd).expect("a definition is maps, lists and text only")
}
