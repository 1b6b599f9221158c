//! Whether the generated credentials outlive their platform. What becomes of volumes is written in the workloads themselves.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use operator_render::{CredentialSource, ValidatedPlatform};
use serde_json::json;

use crate::dereference::Found;
use crate::error::Error;

/// Whose the owner of the credentials is, apart from their content: that is made once and never applied.
const RETENTION_MANAGER: &str = "socialplatform-operator-retention";

/// Lets the credentials go with the platform, or stay, as the resource asks for.
pub async fn retain(
    client: &Client,
    found: &Found,
    wanted: &ValidatedPlatform,
) -> Result<(), Error> {
    // A Secret of the user's is nobody's but theirs.
    let is_ours = matches!(wanted.credential_source(), CredentialSource::Generated(_));
    let Some(secret) = found.credentials.as_ref().filter(|_| is_ours) else {
        return Ok(());
    };
    let owner = wanted
        .leaves_nothing()
        .then(|| found.platform.controller_owner_ref(&()))
        .flatten();
    let has_owner = secret
        .metadata
        .owner_references
        .iter()
        .flatten()
        .any(|owner| Some(&owner.uid) == found.platform.metadata.uid.as_ref());
    if has_owner == owner.is_some() {
        return Ok(());
    }

    let name = secret.metadata.name.clone().unwrap_or_default();
    let patch = json!({
        "apiVersion": Secret::api_version(&()),
        "kind": Secret::kind(&()),
        "metadata": {
            "name": name,
            "uid": secret.metadata.uid,
            "ownerReferences": owner.into_iter().collect::<Vec<_>>(),
        },
    });
    let parameters = PatchParams::apply(RETENTION_MANAGER).force();
    Api::<Secret>::namespaced(client.clone(), wanted.namespace())
        .patch(&name, &parameters, &Patch::Apply(&patch))
        .await
        .map(|_| ())
        .map_err(Error::api(format!(
            "say in Secret {name} whether it outlives the platform"
        )))
}
