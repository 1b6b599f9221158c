//! The status: made of what a pass saw, written only when it says something new, and told about in events.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::core::PartialObjectMeta;
use kube::{Api, Client, Resource};
use operator_api::names::gateway_url;
use operator_api::{ConditionType, SocialPlatform, SocialPlatformStatus};
use serde_json::json;
use tracing::info;

use crate::apply::FIELD_MANAGER;
use crate::conditions::{conditions, is_true};
use crate::dereference::Found;
use crate::error::Error;
use crate::events::notices;
use crate::observed::{Observed, Part};
use crate::reconcile::Context;

/// Longest message of ours. The API server would take more; nobody would read it.
const LONGEST_MESSAGE: usize = 1000;
/// Longest `progress` the schema takes.
const LONGEST_PROGRESS: usize = 1000;

/// Writes the status if it differs from the one that was read, in one patch, so that no reader ever sees conditions
/// of one generation beside another. Returns whether the platform is ready.
pub async fn update_status(
    context: &Context,
    found: &Found,
    observed: &Observed,
    version: Option<&str>,
) -> Result<bool, Error> {
    let platform = &found.platform;
    let before = platform.status.clone().unwrap_or_default();
    let after = status(found, observed, version, &Time(Timestamp::now()));
    let is_ready = is_true(&after.conditions, ConditionType::Ready);
    if after == before {
        return Ok(is_ready);
    }

    write(&context.client, platform, &after).await?;
    info!(
        platform.ready = is_ready,
        platform.progress = after.progress,
        "updated the status"
    );
    for notice in notices(&before.conditions, &after.conditions) {
        context.events.publish(platform, notice).await;
    }

    Ok(is_ready)
}

async fn write(
    client: &Client,
    platform: &SocialPlatform,
    status: &SocialPlatformStatus,
) -> Result<(), Error> {
    let namespace = platform.metadata.namespace.clone().unwrap_or_default();
    let name = platform.metadata.name.clone().unwrap_or_default();
    let patch = json!({
        "apiVersion": SocialPlatform::api_version(&()),
        "kind": SocialPlatform::kind(&()),
        // The platform that was looked at, not one that took its name meanwhile.
        "metadata": {"name": name, "uid": platform.metadata.uid},
        "status": status,
    });

    // Only the metadata of the answer is read: the spec may be one nobody can read.
    Api::<PartialObjectMeta<SocialPlatform>>::namespaced(client.clone(), &namespace)
        .patch_status(
            &name,
            &PatchParams::apply(FIELD_MANAGER).force(),
            &Patch::Apply(&patch),
        )
        .await
        .map(|_| ())
        .map_err(Error::api("write the status"))
}

/// `version` is what the services run, if all of them run the same.
fn status(
    found: &Found,
    observed: &Observed,
    version: Option<&str>,
    now: &Time,
) -> SocialPlatformStatus {
    let metadata = &found.platform.metadata;
    let before = found.platform.status.clone().unwrap_or_default();
    let generation = metadata.generation.unwrap_or(0);
    let address = || {
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        gateway_url(namespace, metadata.name.as_deref().unwrap_or_default())
    };

    SocialPlatformStatus {
        observed_generation: Some(generation),
        version: version.map(str::to_owned).or(before.version),
        url: found.has_address().then(address).or(before.url),
        progress: Some(shortened(observed.progress(), LONGEST_PROGRESS)),
        credentials: observed.credentials.clone().or(before.credentials),
        conditions: conditions(observed, generation, &before.conditions, now),
        components: observed.parts.iter().map(Part::status).collect(),
    }
}

pub fn bounded(message: String) -> String {
    shortened(message, LONGEST_MESSAGE)
}

/// Cuts between characters, and shows that it did.
pub fn shortened(mut text: String, longest: usize) -> String {
    const MARK: &str = "…";
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest - MARK.len()));
        text.push_str(MARK);
    }

    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::api::core::v1::Service;
    use kube::Resource as _;
    use operator_api::{Component, Reason, SocialPlatformSpec};

    use super::*;
    use crate::observed::samples;

    fn found(status: Option<SocialPlatformStatus>) -> Found {
        let mut platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
        platform.status = status;
        platform.metadata.namespace = Some("social".to_owned());
        platform.metadata.uid = Some("uid".to_owned());
        platform.metadata.generation = Some(4);
        let mut gateway = Service::default();
        gateway.metadata.owner_references =
            platform.controller_owner_ref(&()).map(|owner| vec![owner]);

        Found {
            services: BTreeMap::from([(Component::Gateway, gateway)]),
            ..Found::bare(platform)
        }
    }

    fn at(second: i64) -> Time {
        Time(Timestamp::from_second(second).unwrap())
    }

    #[test]
    fn a_platform_at_rest_gets_the_same_status_again() {
        let observed = samples::observed(&[]);
        let first = status(&found(None), &observed, Some("1.0.0"), &at(1));

        let second = status(
            &found(Some(first.clone())),
            &observed,
            Some("1.0.0"),
            &at(2),
        );

        assert_eq!(second, first);
        assert_eq!(first.observed_generation, Some(4));
        assert_eq!(
            first.url.as_deref(),
            Some("http://demo-gateway.social.svc:8080")
        );
        assert_eq!(first.progress.as_deref(), Some("8 of 8"));
        assert_eq!(first.components.len(), 8);
    }

    #[test]
    fn the_version_is_the_last_one_that_was_rolled_out() {
        let observed = samples::observed(&[(Component::Post, Reason::RollingOut)]);
        let before = SocialPlatformStatus {
            version: Some("1.0.0".to_owned()),
            ..SocialPlatformStatus::default()
        };

        assert_eq!(
            status(&found(Some(before)), &observed, None, &at(1))
                .version
                .as_deref(),
            Some("1.0.0")
        );
        assert_eq!(status(&found(None), &observed, None, &at(1)).version, None);
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        assert_eq!(shortened("short".to_owned(), 10), "short");
        assert_eq!(shortened("äöüäöü".to_owned(), 8), "äö…");
    }
}
