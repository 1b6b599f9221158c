//! Metadata that every object carries, and the part of it that selectors may rely on.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use operator_api::{Component, names};

use crate::platform::ValidatedPlatform;

pub(crate) const NAME: &str = "app.kubernetes.io/name";
pub(crate) const INSTANCE: &str = "app.kubernetes.io/instance";
pub(crate) const PART_OF: &str = "app.kubernetes.io/part-of";
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Metadata of an object that goes when its platform goes.
pub(crate) fn owned(
    platform: &ValidatedPlatform,
    component: Component,
    name: String,
) -> ObjectMeta {
    ObjectMeta {
        owner_references: Some(vec![owner(platform)]),
        ..unowned(platform, component, name)
    }
}

/// Metadata of an object that is about no component in particular, and goes when its platform goes.
pub(crate) fn of_the_whole(platform: &ValidatedPlatform, name: String) -> ObjectMeta {
    let labels = [
        (INSTANCE, platform.name.as_str()),
        (PART_OF, "socialplatform"),
        (MANAGED_BY, names::MANAGER),
    ];

    ObjectMeta {
        name: Some(name),
        namespace: Some(platform.namespace.clone()),
        labels: Some(labels.into_iter().map(owned_pair).collect()),
        owner_references: Some(vec![owner(platform)]),
        ..ObjectMeta::default()
    }
}

/// Metadata of an object that stays when its platform goes.
pub(crate) fn unowned(
    platform: &ValidatedPlatform,
    component: Component,
    name: String,
) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(platform.namespace.clone()),
        labels: Some(labels(platform, component)),
        ..ObjectMeta::default()
    }
}

/// What tells the pods of a component from all others.
///
/// Selectors cannot be changed once made, so the version is no part of them: the first upgrade would be refused.
pub(crate) fn selector_labels(
    platform: &ValidatedPlatform,
    component: Component,
) -> BTreeMap<String, String> {
    [(NAME, component.as_str()), (INSTANCE, &platform.name)]
        .into_iter()
        .map(owned_pair)
        .collect()
}

pub(crate) fn selector(platform: &ValidatedPlatform, component: Component) -> LabelSelector {
    LabelSelector {
        match_labels: Some(selector_labels(platform, component)),
        match_expressions: None,
    }
}

pub(crate) fn labels(
    platform: &ValidatedPlatform,
    component: Component,
) -> BTreeMap<String, String> {
    let mut labels = selector_labels(platform, component);
    labels.extend(
        [
            ("app.kubernetes.io/component", component.as_str()),
            (PART_OF, "socialplatform"),
            (MANAGED_BY, names::MANAGER),
        ]
        .into_iter()
        .map(owned_pair),
    );
    labels.extend(
        component_version(platform, component)
            .map(|version| owned_pair(("app.kubernetes.io/version", version))),
    );

    labels
}

/// Version of what runs. A store has its own: with the platform's in its pods' labels, an upgrade of the services would restart
/// every store for nothing.
fn component_version(platform: &ValidatedPlatform, component: Component) -> Option<&str> {
    if component.is_store() {
        platform
            .managed_store(component)
            .and_then(|store| label_of_tag(&store.image))
    } else {
        Some(&platform.version)
    }
}

/// The tag of an image, when there is one and it is a label value.
fn label_of_tag(image: &str) -> Option<&str> {
    let path = image.split('@').next()?;
    let (_, tag) = path.rsplit('/').next()?.split_once(':')?;

    names::is_label_value(tag).then_some(tag)
}

fn owner(platform: &ValidatedPlatform) -> OwnerReference {
    OwnerReference {
        api_version: operator_api::API_VERSION.to_owned(),
        kind: operator_api::KIND.to_owned(),
        name: platform.name.clone(),
        uid: platform.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

fn owned_pair((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{minimal, with_spec};

    #[test]
    fn a_new_version_of_the_services_leaves_selectors_and_stores_alone() {
        let (old, new) = (minimal(), with_spec("version: 9.9.9"));

        for component in Component::ALL {
            assert_eq!(
                selector_labels(&old, component),
                selector_labels(&new, component),
                "{component}"
            );
            assert_eq!(
                labels(&old, component) == labels(&new, component),
                component.is_store(),
                "{component}"
            );
        }
    }

    #[test]
    fn the_tag_of_an_image_is_its_version() {
        assert_eq!(label_of_tag("docker.io/library/mongo:6.0"), Some("6.0"));
        assert_eq!(
            label_of_tag("registry:5000/mongo:6.0@sha256:00"),
            Some("6.0")
        );
        assert_eq!(label_of_tag("registry:5000/mongo"), None);
        assert_eq!(label_of_tag("mongo@sha256:00"), None);
        assert_eq!(
            label_of_tag("mongo:6.0_"),
            None,
            "a label value ends with a letter or digit"
        );
    }
}
