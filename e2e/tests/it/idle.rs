//! An operator with nothing to do writes nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::namespace::TEST_LABEL;
use e2e::platform::{NAME, life_of};
use e2e::{Cluster, Look, alone_on_shared_platform, until};
use k8s_openapi::api::core::v1::{Event, Namespace};
use kube::api::{Api, ListParams};
use tokio::time::Instant;

const PAUSE: Duration = Duration::from_secs(1);
/// Namespaces of tests that are over need no more of the operator by then.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_idle_operator_writes_nothing() -> Result<()> {
    alone_on_shared_platform("idle", async |platform| {
        let cluster = &platform.namespace.cluster;
        nothing_is_going_away(cluster).await?;
        // The last thing a platform that becomes Ready makes the operator write.
        until(
            "the event that tells of Ready",
            SETTLED_WITHIN,
            async || {
                let events = platform.namespace.api::<Event>();
                let told = ListParams::default().fields(&format!("involvedObject.name={NAME}"));
                let events = events.list(&told).await?;
                let is_told = |event: &Event| event.reason.as_deref() == Some("Ready");

                Ok(Look::when(events.iter().any(is_told), || {
                    "no such event".to_owned()
                }))
            },
        )
        .await?;

        let operator = life_of(&cluster.operator_pod().await?);
        let before = cluster.operator_writes().await?;
        let watched = Duration::from_secs(cluster.settings.idle_seconds);
        let end = Instant::now() + watched;
        while Instant::now() < end {
            tokio::time::sleep(PAUSE).await;
            let now = cluster.operator_writes().await?;
            ensure!(
                now == before,
                "the operator's count of writes moved from {before} to {now}"
            );
        }
        ensure!(
            life_of(&cluster.operator_pod().await?) == operator,
            "the operator was restarted meanwhile"
        );
        println!("idle for {watched:?}: the operator's count of writes stayed at {before}");

        Ok(())
    })
    .await
}

async fn nothing_is_going_away(cluster: &Cluster) -> Result<()> {
    let namespaces = Api::<Namespace>::all(cluster.client.clone());
    until(
        "other tests' namespaces to go",
        SETTLED_WITHIN,
        async || {
            let ours = ListParams::default().labels(TEST_LABEL);
            let mut going = namespaces.list(&ours).await?.items;
            going.retain(|namespace| namespace.metadata.deletion_timestamp.is_some());

            Ok(Look::when(going.is_empty(), || {
                format!("{} are going", going.len())
            }))
        },
    )
    .await
}
