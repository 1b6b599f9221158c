//! Two operators: one works, and when it is gone the other does.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::chaos::NodeShell;
use e2e::cluster::OPERATOR_NAMESPACE;
use e2e::platform::{NAME, life_of};
use e2e::{Cluster, Look, Platform, alone_on_shared_platform, until};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use operator_api::{Component, object_name};
use serde_json::json;

const TWO: [&str; 2] = ["--set", "replicas=2"];
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(20);
/// Until a pod that was killed has a successor that waits for its turn.
const STANDING_BY_WITHIN: Duration = Duration::from_secs(60);
const ENDED_WITHIN: Duration = Duration::from_secs(30);
const LIMIT: Duration = Duration::from_secs(540);

/// Each time the pod goes as well: started again in the same one, the operator would find the Lease to be its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_killed_operator_is_followed_within_seconds() -> Result<()> {
    with_two_operators("takeover", async |platform, node| {
        let cluster = &platform.namespace.cluster;
        for _ in 0..cluster.settings.takeovers {
            let leader = the_only_leader(cluster).await?;
            node.kill(std::slice::from_ref(&leader)).await?;
            let began = Instant::now();
            cluster
                .api::<Pod>(OPERATOR_NAMESPACE)
                .delete(&leader.name_any(), &DeleteParams::default().grace_period(0))
                .await?;

            is_worked_on(platform).await?;
            println!(
                "a killed operator was followed after {:.1} s",
                began.elapsed().as_secs_f64()
            );
        }

        Ok(())
    })
    .await
}

/// It is stopped in the middle of what it does and goes on when another works already: it may not write any more.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_operator_that_was_stopped_for_too_long_ends_itself() -> Result<()> {
    with_two_operators("stopped-operator", async |platform, node| {
        let cluster = &platform.namespace.cluster;
        let before = the_only_leader(cluster).await?;
        node.pause(std::slice::from_ref(&before)).await?;
        let taken_over = is_worked_on(platform).await;
        node.resume(std::slice::from_ref(&before)).await?;
        taken_over?;

        let pods = cluster.api::<Pod>(OPERATOR_NAMESPACE);
        let name = before.name_any();
        until("the stopped operator to end", ENDED_WITHIN, async || {
            let pod = pods.get(&name).await?;
            let exit_code = last_exit_code(&pod);

            Ok(Look::when(
                exit_code == Some(1) && life_of(&pod) != life_of(&before),
                || format!("{name} last ended with {exit_code:?}"),
            ))
        })
        .await?;
        let after = the_only_leader(cluster).await?;
        ensure!(after.name_any() != name, "{name} leads again");

        Ok(())
    })
    .await
}

async fn with_two_operators(
    test: &str,
    body: impl AsyncFnOnce(&Platform, &NodeShell) -> Result<()>,
) -> Result<()> {
    alone_on_shared_platform(test, async |platform| {
        let cluster = &platform.namespace.cluster;
        let node = NodeShell::open(platform, LIMIT).await?;
        cluster.install_operator(&TWO).await?;
        let outcome = body(platform, &node).await;
        cluster.install_operator(&[]).await?;
        node.close().await?;

        outcome
    })
    .await
}

/// The pod that works, once another stands by and says so.
async fn the_only_leader(cluster: &Cluster) -> Result<Pod> {
    until(
        "one operator to work and one to stand by",
        STANDING_BY_WITHIN,
        async || {
            let leader = cluster.operator_pod().await?.name_any();
            let mut others = cluster.operator_pods().await?;
            let leading: Vec<_> = others
                .extract_if(.., |pod| pod.name_any() == leader)
                .collect();
            let are_ready = others.iter().chain(&leading).all(is_ready);
            let ([leading], [other]) = (leading.as_slice(), others.as_slice()) else {
                return Ok(Look::NotYet(format!("{} stand by", others.len())));
            };
            if !are_ready {
                return Ok(Look::NotYet("not both are ready".to_owned()));
            }
            let leads = cluster.says_it_leads(leading).await?;
            let other_leads = cluster.says_it_leads(other).await?;

            Ok(if leads && !other_leads {
                Look::There(leading.clone())
            } else {
                Look::NotYet(format!("leading: {leads} and {other_leads}"))
            })
        },
    )
    .await
}

/// Spoils an object and waits until an operator has put it right.
pub async fn is_worked_on(platform: &Platform) -> Result<()> {
    let services = platform.namespace.api::<Service>();
    let name = object_name(NAME, Component::Search);
    let selector = |service: Service| service.spec.and_then(|spec| spec.selector);
    let wanted = selector(services.get(&name).await?);
    let change = json!({ "spec": { "selector": { "app.kubernetes.io/name": "nobody" } } });
    services
        .patch(&name, &PatchParams::default(), &Patch::Merge(&change))
        .await?;

    until("another operator to work", TAKEN_OVER_WITHIN, async || {
        let found = selector(services.get(&name).await?);
        Ok(Look::when(found == wanted, || format!("{found:?}")))
    })
    .await
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());

    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn last_exit_code(pod: &Pod) -> Option<i32> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let ended = statuses.first()?.last_state.as_ref()?.terminated.as_ref()?;

    Some(ended.exit_code)
}
