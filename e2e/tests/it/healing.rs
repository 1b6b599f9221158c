//! What somebody deletes or edits is put back, and nothing else is touched for it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::platform::{NAME, life_of};
use e2e::{Look, Platform, on_shared_platform, until};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use operator_api::names::jwks_name;
use operator_api::{Component, object_name};
use serde_json::{Value, json};

/// From the deletion of a Deployment to a ready pod of the new one.
const BACK_WITHIN: Duration = Duration::from_secs(15);
const RESTORED_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_deleted_deployment_is_back_and_nothing_else_is_restarted() -> Result<()> {
    on_shared_platform("deleted-deployment", async |platform| {
        let component = Component::Post;
        let name = object_name(NAME, component);
        let deployments = platform.namespace.api::<Deployment>();
        let others = lives_of_all_but(platform, component).await?;
        let deleted = deployments.get(&name).await?.uid();

        let began = Instant::now();
        deployments
            .delete(&name, &DeleteParams::background())
            .await?;
        until(
            "the Deployment to be back and ready",
            BACK_WITHIN,
            async || {
                let Some(found) = deployments.get_opt(&name).await? else {
                    return Ok(Look::NotYet("no Deployment".to_owned()));
                };
                let is_another = found.uid() != deleted;
                let ready = found.status.and_then(|status| status.ready_replicas);

                Ok(Look::when(is_another && ready == Some(1), || {
                    format!("another: {is_another}, ready pods: {ready:?}")
                }))
            },
        )
        .await?;
        println!(
            "a deleted Deployment was back and ready after {:.1} s",
            began.elapsed().as_secs_f64()
        );

        platform.ready().await?;
        let after = lives_of_all_but(platform, component).await?;
        ensure!(
            after == others,
            "other pods changed: before {others:?}, after {after:?}"
        );

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_edited_service_is_restored() -> Result<()> {
    on_shared_platform("edited-service", async |platform| {
        let services = platform.namespace.api::<Service>();
        let name = object_name(NAME, Component::Search);
        let what_matters = |service: Service| {
            let spec = service.spec.unwrap_or_default();
            (spec.selector, spec.ports)
        };
        let wanted = what_matters(services.get(&name).await?);
        for edit in [
            json!({ "selector": { "app.kubernetes.io/name": "nobody" } }),
            json!({ "ports": [{ "name": "http", "port": 8080, "targetPort": 1 }] }),
            json!({ "ports": [{ "name": "http", "port": 8081, "targetPort": "http" }] }),
        ] {
            let change = json!({ "spec": edit });
            let merge = Patch::Merge(&change);
            let edited = services
                .patch(&name, &PatchParams::default(), &merge)
                .await?;
            let edited = what_matters(edited);
            ensure!(edited != wanted, "the edit changed nothing: {change}");

            let what = format!("the Service to be restored after {change}");
            until(&what, RESTORED_WITHIN, async || {
                let found = what_matters(services.get(&name).await?);
                Ok(Look::when(found == wanted, || format!("{found:?}")))
            })
            .await?;
        }

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_edited_config_map_is_restored() -> Result<()> {
    on_shared_platform("edited-config-map", async |platform| {
        let maps = platform.namespace.api::<ConfigMap>();
        let name = jwks_name(NAME);
        let wanted = maps.get(&name).await?.data;
        let change = json!({ "data": { "jwks.json": "{\"keys\":[]}" } });
        let merge = Patch::Merge(&change);
        maps.patch(&name, &PatchParams::default(), &merge).await?;

        until(
            "the ConfigMap to be restored",
            RESTORED_WITHIN,
            async || {
                let found = maps.get(&name).await?.data;
                Ok(Look::when(found == wanted, || format!("{found:?}")))
            },
        )
        .await
    })
    .await
}

/// The operator may not watch Secrets, so an edit of one is found when the platform is looked at next: after a change
/// of the resource, such as this annotation, or at the next resync.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_edited_secret_is_restored_when_the_platform_is_touched() -> Result<()> {
    on_shared_platform("edited-secret", async |platform| {
        let secrets = platform.namespace.api::<Secret>();
        let name = object_name(NAME, Component::Search);
        let wanted = secrets.get(&name).await?.data;
        let keys = wanted.as_ref().context("the Secret has data")?.keys();
        let spoilt: Value = keys.map(|key| (key.clone(), "c3BvaWx0")).collect();
        let change = json!({ "data": spoilt });
        let merge = Patch::Merge(&change);
        secrets
            .patch(&name, &PatchParams::default(), &merge)
            .await?;

        let touched = |value: Value| json!({ "metadata": { "annotations": { "touched": value } } });
        platform.edit(touched("yes".into())).await?;
        until("the Secret to be restored", RESTORED_WITHIN, async || {
            let found = secrets.get(&name).await?.data;
            Ok(Look::when(found == wanted, || "spoilt".to_owned()))
        })
        .await?;
        platform.edit(touched(Value::Null)).await?;

        Ok(())
    })
    .await
}

async fn lives_of_all_but(
    platform: &Platform,
    component: Component,
) -> Result<BTreeSet<(String, String, i32)>> {
    let mut pods = platform.pods().await?;
    pods.retain(|pod| pod.labels()["app.kubernetes.io/name"] != component.as_str());

    Ok(pods.iter().map(life_of).collect())
}
