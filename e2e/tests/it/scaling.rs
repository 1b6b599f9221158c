//! Replicas follow the resource, and nobody notices.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::client::Session;
use e2e::platform::{READY_WITHIN, condition};
use e2e::{Busy, Look, Platform, PublicApi, Stop, on_shared_platform, until};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use operator_api::{Component, ConditionType};
use serde_json::json;

const PAUSE: Duration = Duration::from_millis(20);
const GONE_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn posts_scale_with_the_resource_while_people_are_served() -> Result<()> {
    on_shared_platform("scaling", async |platform| {
        let people = Busy::start(&platform.public_api()?, be_busy).await?;
        scale(platform, 2).await?;
        scale(platform, 1).await?;
        let served = people.stop().await?;
        println!("{served} requests were served while post went from 1 to 2 pods and back");

        Ok(())
    })
    .await
}

/// Edits the number of replicas and waits until the pods have followed and the status says so.
async fn scale(platform: &Platform, replicas: usize) -> Result<()> {
    let change = json!({ "spec": { "post": { "replicas": replicas } } });
    let generation = platform.edit(change).await?.metadata.generation;
    let what = format!("{replicas} pods of post");
    until(&what, READY_WITHIN, async || {
        let resource = platform.resource().await?;
        let observed = resource
            .status
            .as_ref()
            .and_then(|status| status.observed_generation);
        let ready = condition(&resource, ConditionType::Ready);
        let is_ready = ready.is_some_and(|ready| ready.status == "True");
        let is_of_now = ready.and_then(|ready| ready.observed_generation) == generation;
        if !(is_ready && is_of_now) {
            return Ok(Look::NotYet(format!("{ready:?}")));
        }

        ensure!(
            observed == generation,
            "Ready is about generation {generation:?}, the status about {observed:?}"
        );
        let pods = platform.pods_of(Component::Post).await?.len();
        ensure!(
            pods == replicas,
            "Ready while post has {pods} pods instead of {replicas}"
        );

        Ok(Look::There(()))
    })
    .await?;

    // A pod that is no longer counted still has requests to finish.
    let pods = platform.namespace.api::<Pod>();
    until(
        "the pods that were left over to go",
        GONE_WITHIN,
        async || {
            let ours = ListParams::default().labels("app.kubernetes.io/name=post");
            let left = pods.list(&ours).await?.items.len();

            Ok(Look::when(left == replicas, || format!("{left} pods")))
        },
    )
    .await
}

/// Reads and writes posts.
async fn be_busy(api: PublicApi, session: Session, stop: Stop) -> Result<usize> {
    let token = &session.tokens.access_token;
    let mut served = 0;
    while !stop.is_told() {
        api.posts(token).await?.expect(200)?;
        api.create_post(token, "Still here", &[])
            .await?
            .expect(201)?;
        served += 2;
        tokio::time::sleep(PAUSE).await;
    }

    Ok(served)
}
