//! What a platform may ask for is made, and goes when it no longer asks for it.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::platform::{NAME, ask_for, condition};
use e2e::{Look, Namespace, Platform, in_namespace, until};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Resource, ResourceExt};
use operator_api::{Component, ConditionType, Reason, SocialPlatform, object_name};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const SEEN_WITHIN: Duration = Duration::from_secs(30);
const GONE_WITHIN: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn options_are_made_and_removed_again() -> Result<()> {
    in_namespace("options", async |namespace| {
        ask_for(namespace, json!({})).await?;
        has(namespace, &["networkpolicy: 8"]).await?;

        let on = json!({
            "post": { "replicas": 2 },
            "search": { "autoscaling": { "maxReplicas": 3 } },
            "gateway": { "exposure": { "ingress": { "host": "social.example.com" } } },
        });
        edit(namespace, &json!({ "spec": on })).await?;
        let wanted = [
            "networkpolicy: 8",
            "poddisruptionbudget: 2",
            "autoscaler: 1",
            "ingress: 1",
        ];
        has(namespace, &wanted).await?;

        // What somebody takes away comes back.
        let name = object_name(NAME, Component::Search);
        namespace
            .api::<HorizontalPodAutoscaler>()
            .delete(&name, &DeleteParams::default())
            .await?;
        has(namespace, &wanted).await?;

        let off = json!({ "post": null, "search": null, "gateway": null, "networkPolicy": { "enabled": false } });
        edit(namespace, &json!({ "spec": off })).await?;
        has(namespace, &[]).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_kind_that_is_not_installed_is_named_and_holds_nothing_else_up() -> Result<()> {
    in_namespace("foreign-kind", async |namespace| {
        let route = json!({ "parents": [{ "name": "shared" }] });
        let spec = json!({ "gateway": { "exposure": { "httpRoute": route } } });
        ask_for(namespace, spec).await?;
        says(namespace, Reason::KindNotInstalled, "HTTPRoute").await?;
        has(namespace, &["networkpolicy: 8"]).await?;

        edit(namespace, &json!({ "spec": { "gateway": null } })).await?;
        until("another reason", SEEN_WITHIN, async || {
            let reason = ready(namespace).await?.0;
            Ok(Look::when(
                reason != Reason::KindNotInstalled.as_str(),
                || reason.clone(),
            ))
        })
        .await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_paused_platform_is_left_alone() -> Result<()> {
    in_namespace("paused", async |namespace| {
        ask_for(namespace, json!({})).await?;
        has(namespace, &["networkpolicy: 8"]).await?;

        let change = json!({ "paused": true, "networkPolicy": { "enabled": false } });
        edit(namespace, &json!({ "spec": change })).await?;
        says(namespace, Reason::Paused, "spec.paused").await?;
        has(namespace, &["networkpolicy: 8"]).await?;

        edit(namespace, &json!({ "spec": { "paused": null } })).await?;
        has(namespace, &[]).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn stores_of_the_users_own_are_used_and_none_are_made() -> Result<()> {
    in_namespace("own-stores", async |namespace| {
        let own = |name: &str| json!({ "external": { "secretRef": { "name": name } } });
        let spec = json!({ "mongodb": own("own-mongodb"), "redis": own("own-redis"), "rabbitmq": own("own-rabbitmq") });
        ask_for(namespace, spec).await?;
        says(namespace, Reason::SecretMissing, "own-mongodb").await?;

        let databases = ["identity", "post", "media", "search"]
            .map(|service| (service, format!("mongodb://own-{service}:word@db/{service}")));
        let databases = databases.each_ref().map(|(key, url)| (*key, url.as_str()));
        secret(namespace, "own-mongodb", &databases).await?;
        secret(namespace, "own-redis", &[("url", "http://cache:6379")]).await?;
        secret(namespace, "own-rabbitmq", &[("url", "amqp://queue")]).await?;
        says(namespace, Reason::SecretMissing, "redis://").await?;

        let right = json!({ "stringData": { "url": "redis://cache:6379" } });
        namespace
            .api::<Secret>()
            .patch("own-redis", &PatchParams::default(), &Patch::Merge(&right))
            .await?;
        let post = object_name(NAME, Component::Post);
        until("post to be told of them", SEEN_WITHIN, async || {
            let secret = namespace.api::<Secret>().get_opt(&post).await?;
            let data = secret.and_then(|secret| secret.data).unwrap_or_default();
            let url = data.get("mongodb-url").map(|url| url.0.as_slice());
            let is_told = url == Some(b"mongodb://own-post:word@db/post");
            Ok(Look::when(is_told, || "post's Secret holds something else".to_owned()))
        })
        .await?;
        until("post to be made", SEEN_WITHIN, async || {
            let made = namespace.api::<Deployment>().get_opt(&post).await?;
            Ok(Look::when(made.is_some(), || "no Deployment".to_owned()))
        })
        .await?;
        let sets = namespace.api::<StatefulSet>();
        let sets = sets.list(&ListParams::default()).await?.items;
        ensure!(sets.is_empty(), "stores were made: {}", sets.len());

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn with_the_policy_delete_nothing_stays() -> Result<()> {
    in_namespace("leaves-nothing", async |namespace| {
        let platform = Platform::with_defaults(namespace).await?;
        platform.ready().await?;
        platform
            .edit(json!({ "spec": { "deletionPolicy": "Delete" } }))
            .await?;
        platform.ready().await?;
        let owned = async || {
            let name = format!("{NAME}-credentials");
            let secret = namespace.api::<Secret>().get_opt(&name).await?;
            let owners = secret.map(|secret| secret.owner_references().len());
            anyhow::Ok(owners)
        };
        until(
            "the credentials to have an owner",
            SEEN_WITHIN,
            async || {
                let owners = owned().await?;
                Ok(Look::when(owners == Some(1), || format!("{owners:?}")))
            },
        )
        .await?;

        let resources = platform.resources();
        resources.delete(NAME, &DeleteParams::background()).await?;
        until("everything to go", GONE_WITHIN, async || {
            let kinds = "deployments,statefulsets,services,secrets,persistentvolumeclaims,pods";
            let left = namespace.kubectl(&["get", "-o=name", kinds]).await?;
            Ok(Look::when(left.trim().is_empty(), || left.clone()))
        })
        .await
    })
    .await
}

async fn edit(namespace: &Namespace, change: &Value) -> Result<()> {
    let resources = namespace.api::<SocialPlatform>();
    resources
        .patch(NAME, &PatchParams::default(), &Patch::Merge(change))
        .await?;

    Ok(())
}

async fn secret(namespace: &Namespace, name: &str, entries: &[(&str, &str)]) -> Result<()> {
    let entries = entries
        .iter()
        .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        string_data: Some(entries.collect()),
        ..Secret::default()
    };
    namespace
        .api::<Secret>()
        .create(&PostParams::default(), &secret)
        .await?;

    Ok(())
}

/// Waits until there are exactly so many objects of each optional kind, those without any left out.
async fn has(namespace: &Namespace, wanted: &[&str]) -> Result<()> {
    until("the objects that are asked for", SEEN_WITHIN, async || {
        let counts = [
            ("networkpolicy", count::<NetworkPolicy>(namespace).await?),
            (
                "poddisruptionbudget",
                count::<PodDisruptionBudget>(namespace).await?,
            ),
            (
                "autoscaler",
                count::<HorizontalPodAutoscaler>(namespace).await?,
            ),
            ("ingress", count::<Ingress>(namespace).await?),
        ];
        let there: Vec<_> = counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| format!("{kind}: {count}"))
            .collect();
        Ok(Look::when(there == wanted, || format!("{there:?}")))
    })
    .await
}

async fn count<K>(namespace: &Namespace) -> Result<usize>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let objects = namespace.api::<K>().list(&ListParams::default()).await?;

    Ok(objects.items.len())
}

/// Reason and message of the condition `Ready`.
async fn ready(namespace: &Namespace) -> Result<(String, String)> {
    let resource = namespace.api::<SocialPlatform>().get(NAME).await?;
    let ready = condition(&resource, ConditionType::Ready).cloned();

    Ok(ready.map_or_else(Default::default, |ready| (ready.reason, ready.message)))
}

async fn says(namespace: &Namespace, reason: Reason, words: &str) -> Result<()> {
    until("the reason in the status", SEEN_WITHIN, async || {
        let (found, message) = ready(namespace).await?;
        let is_said = found == reason.as_str() && message.contains(words);
        Ok(Look::when(is_said, || format!("{found}: {message}")))
    })
    .await
}
