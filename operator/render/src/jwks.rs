//! The public keys that every service checks tokens with. Nothing in them is secret, hence a `ConfigMap`.

use k8s_openapi::api::core::v1::{ConfigMap, ConfigMapVolumeSource, Volume, VolumeMount};
use operator_api::{Component, names::jwks_name};
use serde_json::{Value, json};

use crate::{labels, platform::ValidatedPlatform, pod};

const VOLUME: &str = "jwks";

pub(crate) fn config_map(platform: &ValidatedPlatform, jwks: &str) -> ConfigMap {
    ConfigMap {
        metadata: labels::owned(platform, Component::Identity, jwks_name(&platform.name)),
        data: Some([("jwks.json".to_owned(), jwks.to_owned())].into()),
        ..ConfigMap::default()
    }
}

pub(crate) fn volume(platform: &ValidatedPlatform) -> Volume {
    Volume {
        name: VOLUME.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: jwks_name(&platform.name),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// The whole directory is mounted, not the file: only so do running pods see new keys.
pub(crate) fn mount() -> VolumeMount {
    pod::read_only_mount(VOLUME, "/etc/socialplatform/jwks")
}

/// The keys of both sets, each once. A set that cannot be read adds nothing.
pub(crate) fn merged(first: &str, second: &str) -> String {
    let keys = |text: &str| -> Vec<Value> {
        let set: Value = serde_json::from_str(text).unwrap_or_default();
        set["keys"].as_array().cloned().unwrap_or_default()
    };
    let mut all = keys(first);
    for key in keys(second) {
        if all.iter().all(|other| other["kid"] != key["kid"]) {
            all.push(key);
        }
    }

    json!({ "keys": all }).to_string()
}
