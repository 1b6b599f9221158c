//! Secrets: what only one component's pods may read.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use operator_api::{Component, names::object_name};

use crate::{labels, platform::ValidatedPlatform};

/// A component's own Secret, from keys and text.
pub(crate) fn of(
    platform: &ValidatedPlatform,
    component: Component,
    content: &[(&str, &str)],
) -> Secret {
    let data = content
        .iter()
        .map(|(key, text)| ((*key).to_owned(), ByteString(text.as_bytes().to_vec())))
        .collect();

    Secret {
        metadata: labels::owned(platform, component, object_name(&platform.name, component)),
        type_: Some("Opaque".to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}
