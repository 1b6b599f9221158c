//! An operator that sees the past, or nothing, or is not told what happens, does no harm, and mends what it did once
//! it sees again.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Namespace;
use e2e::proof::podless::podless;
use e2e::proof::rest::credentials;
use e2e::proof::{Snapshot, Stage, View, apply, on_stage};
use http::Method;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use operator_api::{Component, SocialPlatform, object_name};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(600);
/// Passes that the operator makes in the dark.
const PASSES: usize = 5;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_operator_with_a_stale_view_deletes_nothing_and_overwrites_no_secret() -> Result<()> {
    on_stage("stale-view", LIMIT, async |stage| {
        let namespace = stage.namespace("stale-view").await?;
        podless(&namespace, &json!({})).await?;
        stage.operator.start().await?;
        let made = stage.settled(&namespace).await?;
        let kept = kept(&namespace).await?;

        // As if nothing had been made yet: it makes all of it again, and none of it twice.
        stage.operator.proxy.show(View::NothingMade);
        stage.look(&namespace, PASSES).await?;
        sees_again(stage, &namespace, &made, "nothing made").await?;

        // As if the resource, and all that was made of it, were still what they were before a change.
        let then = stage.operator.proxy.moment();
        let spec = json!({ "post": { "pageCacheTtlSeconds": 61 }, "mongodb": limits("768Mi") });
        let changed = change(stage, &namespace, &spec).await?;
        stage.operator.proxy.show(View::Past(then));
        stage.look(&namespace, PASSES).await?;
        sees_again(stage, &namespace, &changed, "before a change").await?;

        // The same of an operator that starts, and remembers nothing.
        stage.operator.kill().await?;
        stage.operator.proxy.show(View::Past(then));
        stage.operator.start().await?;
        stage.look(&namespace, PASSES).await?;
        sees_again(
            stage,
            &namespace,
            &changed,
            "before a change, after a start",
        )
        .await?;

        let back = change(stage, &namespace, &json!({})).await?;
        ensure!(
            made.differences(&back).is_empty(),
            "{:#?}",
            made.differences(&back)
        );
        unharmed(stage, &namespace, &kept, &[]).await
    })
    .await
}

/// The view is of a platform that was deleted since, while another of the same name is there.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_successor_is_made_although_the_operator_still_sees_its_predecessor() -> Result<()> {
    on_stage("stale-predecessor", LIMIT, async |stage| {
        let namespace = stage.namespace("stale-predecessor").await?;
        podless(&namespace, &json!({})).await?;
        stage.operator.start().await?;
        let made = stage.settled(&namespace).await?;
        let kept = kept(&namespace).await?;

        let then = stage.operator.proxy.moment();
        stage.operator.proxy.show(View::Past(then));
        let platforms = namespace.api::<SocialPlatform>();
        platforms
            .delete("demo", &DeleteParams::foreground())
            .await?;
        e2e::until(
            "the predecessor to go",
            e2e::proof::rest::CONVERGED_WITHIN,
            async || {
                let left = platforms.get_opt("demo").await?;
                Ok(e2e::Look::when(left.is_none(), || "there".to_owned()))
            },
        )
        .await?;
        e2e::proof::podless::platform(&namespace, &json!({})).await?;
        stage.look(&namespace, PASSES).await?;
        sees_again(stage, &namespace, &made, "a predecessor").await?;
        let found = credentials(&namespace).await?;
        ensure!(
            found == kept.credentials,
            "the credentials were written over"
        );
        ensure!(deletes(stage).is_empty(), "{:?}", deletes(stage));

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn what_no_event_told_of_is_mended_within_one_resync() -> Result<()> {
    on_stage("missed-events", LIMIT, async |stage| {
        let namespace = stage.namespace("missed-events").await?;
        podless(&namespace, &json!({})).await?;
        stage.operator.start().await?;
        let made = stage.settled(&namespace).await?;
        let kept = kept(&namespace).await?;

        stage.operator.proxy.hide_events(true);
        let spec = json!({ "search": { "replicas": 2 } });
        apply(&namespace, &spec).await?;
        let changed = wait_for_search(stage, &namespace, 2).await?;
        ensure!(
            !made.differences(&changed).is_empty(),
            "the change changed nothing"
        );

        // Somebody's edit of a child, and the resource's way back, in the dark.
        let deployments = namespace.api::<Deployment>();
        let edit = json!({ "spec": { "replicas": 7 } });
        let name = object_name("demo", Component::Post);
        deployments
            .patch(&name, &PatchParams::default(), &Patch::Merge(&edit))
            .await?;
        apply(&namespace, &json!({})).await?;
        let took = stage.ends_as(&namespace, &made).await?;
        println!("missed events: mended after {:.1} s", took.as_secs_f64());
        stage.operator.proxy.hide_events(false);

        // With one pod again there is nothing left for a budget to keep.
        let asked_for = ["DELETE poddisruptionbudgets/demo-search 200"];
        unharmed(stage, &namespace, &kept, &asked_for).await
    })
    .await
}

/// What has to be there afterwards as it was before.
struct Kept {
    credentials: Secret,
    uids: BTreeMap<String, String>,
}

fn limits(memory: &str) -> Value {
    json!({ "managed": { "resources": { "limits": { "memory": memory } } } })
}

async fn change(stage: &Stage, namespace: &Namespace, spec: &Value) -> Result<Snapshot> {
    stage.operator.proxy.expect_a_pass();
    apply(namespace, spec).await?;

    stage.settled(namespace).await
}

/// Shows the present, and waits for everything to be as it should be.
async fn sees_again(
    stage: &Stage,
    namespace: &Namespace,
    wanted: &Snapshot,
    what: &str,
) -> Result<()> {
    stage.operator.proxy.show(View::Present);
    let took = stage
        .ends_as(namespace, wanted)
        .await
        .with_context(|| format!("after a view of {what}"))?;
    println!(
        "a view of {what}: as it should be after {:.1} s",
        took.as_secs_f64()
    );

    Ok(())
}

async fn wait_for_search(stage: &Stage, namespace: &Namespace, replicas: i32) -> Result<Snapshot> {
    let deployments = namespace.api::<Deployment>();
    let name = object_name("demo", Component::Search);
    e2e::until(
        "a missed change",
        e2e::proof::rest::CONVERGED_WITHIN,
        async || {
            let spec = deployments.get(&name).await?.spec;
            let found = spec.and_then(|spec| spec.replicas);
            Ok(e2e::Look::when(found == Some(replicas), || {
                format!("{found:?}")
            }))
        },
    )
    .await?;

    stage.settled(namespace).await
}

async fn kept(namespace: &Namespace) -> Result<Kept> {
    Ok(Kept {
        credentials: credentials(namespace).await?,
        uids: uids(namespace).await?,
    })
}

/// Every object of the kinds that the operator makes, and the volumes.
async fn uids(namespace: &Namespace) -> Result<BTreeMap<String, String>> {
    let kinds = "deployments,statefulsets,services,configmaps,secrets,persistentvolumeclaims";
    let text = namespace.kubectl(&["get", kinds, "-o=json"]).await?;
    let list: kube::core::ObjectList<DynamicObject> = serde_json::from_str(&text)?;
    let named = list.items.into_iter().map(|object| {
        let kind = object
            .types
            .as_ref()
            .map_or("", |types| types.kind.as_str());
        (
            format!("{kind}/{}", object.name_any()),
            object.uid().unwrap_or_default(),
        )
    });

    Ok(named.collect())
}

fn deletes(stage: &Stage) -> Vec<String> {
    let mut writes = stage.operator.proxy.writes();
    writes.retain(|write| write.verb == Method::DELETE);

    writes.iter().map(ToString::to_string).collect()
}

/// Nothing was deleted but what was `asked_for`, nothing made anew, and the credentials are untouched.
async fn unharmed(
    stage: &Stage,
    namespace: &Namespace,
    before: &Kept,
    asked_for: &[&str],
) -> Result<()> {
    let found = kept(namespace).await?;
    ensure!(deletes(stage) == asked_for, "{:?}", deletes(stage));
    ensure!(
        found.uids == before.uids,
        "objects were made anew: {:#?}",
        found.uids
    );
    ensure!(
        found.credentials == before.credentials,
        "the credentials were written over"
    );
    println!(
        "0 wrong deletes, {} objects the same, 0 Secrets written over",
        found.uids.len()
    );

    Ok(())
}
