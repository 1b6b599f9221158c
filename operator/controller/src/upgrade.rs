//! A new version reaches one service after the other: each has to be ready with it before the next one gets it, so that a
//! version that does not work stops at the first of them.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use operator_api::Component;

use crate::dereference::Found;

/// The gateway comes last: it may ask of the services what only their new version knows.
const ORDER: [Component; 5] = [
    Component::Identity,
    Component::Post,
    Component::Media,
    Component::Search,
    Component::Gateway,
];

/// The version label of pods.
const VERSION: &str = "app.kubernetes.io/version";

/// The version the platform had last as a whole; or, while no status tells of one, that of the service that gets a new one first.
pub fn version(found: &Found) -> Option<String> {
    let status = found.platform.status.as_ref();
    let told = status.and_then(|status| status.version.as_deref());

    told.or_else(|| {
        ORDER
            .into_iter()
            .find_map(|service| found.deployments.get(&service).and_then(version_of))
    })
    .map(str::to_owned)
}

/// The services that keep the version they have, each with the one that has to be ready with the new one first.
pub fn held_back(found: &Found, version: &str) -> BTreeMap<Component, Component> {
    let has_it = |service: Component| {
        found
            .deployments
            .get(&service)
            .is_none_or(|deployment| version_of(deployment) == Some(version))
    };
    let is_done = |service: &Component| {
        has_it(*service)
            && (found.is_rolled_out(*service) || !found.deployments.contains_key(service))
    };
    // Only what comes before a service holds it up, and a service that has the version is not held.
    let Some(first) = ORDER.into_iter().find(|service| !is_done(service)) else {
        return BTreeMap::new();
    };

    ORDER
        .into_iter()
        .skip_while(|service| *service != first)
        .skip(1)
        .filter(|service| !has_it(*service))
        .map(|service| (service, first))
        .collect()
}

pub fn version_of(deployment: &Deployment) -> Option<&str> {
    let template = &deployment.spec.as_ref()?.template;
    let labels = template.metadata.as_ref()?.labels.as_ref()?;

    labels.get(VERSION).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::{DeploymentSpec, DeploymentStatus};
    use k8s_openapi::api::core::v1::PodTemplateSpec;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use kube::Resource as _;
    use operator_api::{SocialPlatform, SocialPlatformSpec};

    use super::*;

    /// All five services of version 1 and ready, but for those that are named with another version, or as not ready.
    fn found(versions: &[(Component, &str)], unready: &[Component]) -> Found {
        let mut platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
        platform.metadata.uid = Some("uid".to_owned());
        let owner = platform.controller_owner_ref(&()).unwrap();
        let deployment = |service: Component| {
            let version = versions.iter().find(|(other, _)| *other == service);
            let version = version.map_or("1", |(_, version)| version);
            let ready = i32::from(!unready.contains(&service));
            let template = ObjectMeta {
                labels: Some([(VERSION.to_owned(), version.to_owned())].into()),
                ..ObjectMeta::default()
            };
            let deployment = Deployment {
                metadata: ObjectMeta {
                    generation: Some(1),
                    owner_references: Some(vec![owner.clone()]),
                    ..ObjectMeta::default()
                },
                spec: Some(DeploymentSpec {
                    replicas: Some(1),
                    template: PodTemplateSpec {
                        metadata: Some(template),
                        spec: None,
                    },
                    ..DeploymentSpec::default()
                }),
                status: Some(DeploymentStatus {
                    observed_generation: Some(1),
                    replicas: Some(1),
                    updated_replicas: Some(1),
                    ready_replicas: Some(ready),
                    available_replicas: Some(ready),
                    ..DeploymentStatus::default()
                }),
            };
            (service, deployment)
        };

        Found {
            deployments: ORDER.into_iter().map(deployment).collect(),
            ..Found::bare(platform)
        }
    }

    #[test]
    fn nobody_is_held_back_where_there_is_nothing_new() {
        assert_eq!(held_back(&found(&[], &[]), "1"), BTreeMap::new());
        assert_eq!(
            held_back(&found(&[], &[Component::Post]), "1"),
            BTreeMap::new(),
            "settings may change while a pod is missing"
        );
    }

    #[test]
    fn the_first_gets_the_new_version_and_the_others_wait_for_it() {
        let waiting = held_back(&found(&[], &[]), "2");

        assert_eq!(waiting.len(), 4);
        assert!(waiting.values().all(|first| *first == Component::Identity));
    }

    #[test]
    fn a_version_that_does_not_get_ready_stops_where_it_is() {
        let stuck = found(
            &[(Component::Identity, "2"), (Component::Post, "2")],
            &[Component::Post],
        );

        assert_eq!(
            held_back(&stuck, "2"),
            BTreeMap::from([
                (Component::Media, Component::Post),
                (Component::Search, Component::Post),
                (Component::Gateway, Component::Post),
            ])
        );
    }

    #[test]
    fn the_way_back_begins_with_what_does_not_run() {
        let stuck = found(&[(Component::Identity, "2")], &[Component::Identity]);

        assert_eq!(
            held_back(&stuck, "1"),
            BTreeMap::new(),
            "only identity differs, and it is the first"
        );
    }

    #[test]
    fn the_version_is_the_one_that_comes_first() {
        assert_eq!(
            version(&found(&[(Component::Identity, "2")], &[])).as_deref(),
            Some("2")
        );
        let platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
        assert_eq!(version(&Found::bare(platform)), None);
    }
}
