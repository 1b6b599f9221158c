//! Wherever the operator is killed, what it leaves in the end is what it leaves when nobody kills it.
//!
//! Each test first lets the operator do something undisturbed, and then again with a kill after the first write, after
//! the second, and so on, until the thing is done before it is killed. Every time everything in the namespace has to
//! be as in the undisturbed run. Writes that change nothing do not count: an operator that starts repeats them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::Namespace;
use e2e::platform::{NAME, Platform, READY_WITHIN, condition};
use e2e::proof::podless::podless;
use e2e::proof::rest::{QUIET, credentials};
use e2e::proof::{Cut, Snapshot, Stage, apply, on_stage};
use e2e::{Look, until};
use kube::api::DeleteParams;
use operator_api::{ConditionType, SocialPlatform};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(1200);
const GONE_WITHIN: Duration = Duration::from_secs(60);
/// More writes than anything takes; an operator that never gets done is found by it.
const MOST_WRITES: usize = 120;

/// What there is in the end, with something switched on and with it off.
struct Ends {
    on: Snapshot,
    off: Snapshot,
}

/// A setting of every component.
fn every_component() -> Value {
    let limits = json!({ "resources": { "limits": { "memory": "768Mi" } } });
    let store = json!({ "managed": limits });

    json!({
        "instance": { "contact": "ops@example.com" },
        "gateway": { "rateLimit": { "burst": 299 } },
        "identity": { "passwordMinLength": 9 },
        "post": { "pageCacheTtlSeconds": 61 },
        "media": { "maxUploadBytes": 2_097_152 },
        "search": limits,
        "mongodb": store,
        "redis": store,
        "rabbitmq": store,
    })
}

/// What can be switched on and off, each with what switches it on.
fn options() -> Vec<(&'static str, Value)> {
    vec![
        (
            "exposure",
            json!({ "gateway": { "exposure": { "type": "NodePort" } } }),
        ),
        (
            "cors",
            json!({ "gateway": { "cors": { "allowedOrigins": ["https://app.example.com"] } } }),
        ),
        (
            "pull-secrets",
            json!({ "images": { "pullSecrets": [{ "name": "keys" }] } }),
        ),
        (
            "replicas",
            json!({ "post": { "replicas": 3 }, "gateway": { "replicas": 2 } }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_platform_is_made_by_an_operator_that_is_killed_after_every_write() -> Result<()> {
    on_stage("killed-create", LIMIT, async |stage| {
        let (began, namespace) = (Instant::now(), stage.namespace("create").await?);
        let platform = Platform::with_defaults(&namespace).await?;
        stage.operator.start().await?;
        platform.ready().await?;
        let wanted = stage.settled(&namespace).await?;
        let writes = stage.operator.proxy.effective_writes().len();
        stage.operator.stop().await?;
        let undisturbed = began.elapsed();
        drop(platform);
        namespace.kubectl(&["delete", "namespace", &namespace.name, "--wait=false"]).await?;

        let (began, namespace) = (Instant::now(), stage.namespace("killed-create").await?);
        let platform = Platform::with_defaults(&namespace).await?;
        let before = stage.operator.crashes();
        loop {
            stage.operator.start_for(1, Cut::BeforeAnswer).await?;
            if !ready_or_cut(stage, &platform).await? {
                break;
            }
            stage.operator.kill().await?;
            let crashes = stage.operator.crashes() - before;
            ensure!(crashes < MOST_WRITES, "{crashes} kills, and no end: {}", stage.operator.report());
        }
        let kept = credentials(&namespace).await?;
        stage.ends_as(&namespace, &wanted).await?;
        println!(
            "create: ready after {writes} writes in {:.0} s undisturbed, and after {} kills, one after every write, in {:.0} s, with an equal end state",
            undisturbed.as_secs_f64(),
            stage.operator.crashes() - before,
            began.elapsed().as_secs_f64(),
        );
        ensure!(credentials(&namespace).await? == kept, "the credentials changed at rest");
        stage.operator.kill().await?;
        finish(namespace).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_change_of_every_component_survives_a_kill_after_any_write() -> Result<()> {
    on_stage("killed-change", LIMIT, async |stage| {
        let namespace = stage.namespace("killed-change").await?;
        podless(&namespace, &json!({})).await?;
        stage.operator.start().await?;
        stage.at_rest(&namespace).await?;

        let on = every_component();
        let ends = there_and_back(stage, &namespace, "a setting of every component", &on).await?;

        // Each answer lost once: the operator is told that a write failed, and it was done.
        for (spec, wanted) in [(&on, &ends.on), (&json!({}), &ends.off)] {
            stage.operator.proxy.lose_answers(true);
            stage.operator.proxy.expect_a_pass();
            apply(&namespace, spec).await?;
            stage.at_rest(&namespace).await?;
            let took = stage.ends_as(&namespace, wanted).await?;
            println!(
                "every answer lost once: an equal end state after {:.1} s",
                took.as_secs_f64()
            );
            stage.operator.proxy.lose_answers(false);
        }
        stage.operator.kill().await?;
        finish(namespace).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_option_is_switched_on_and_off_whatever_write_the_operator_is_killed_after() -> Result<()>
{
    on_stage("killed-option", LIMIT, async |stage| {
        let namespace = stage.namespace("killed-option").await?;
        podless(&namespace, &json!({})).await?;
        stage.operator.start().await?;
        stage.at_rest(&namespace).await?;

        let is_full = stage.cluster.settings.proof_full;
        let options = options().into_iter();
        for (option, on) in options.take(if is_full { usize::MAX } else { 1 }) {
            there_and_back(stage, &namespace, option, &on).await?;
        }
        stage.operator.kill().await?;
        finish(namespace).await
    })
    .await
}

/// Without pods, a platform is made in a second, so that there is time for one kill after each write alone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn every_object_is_made_and_goes_whatever_write_the_operator_is_killed_after() -> Result<()> {
    on_stage("killed-objects", LIMIT, async |stage| {
        let (made, left) = {
            let namespace = made(stage, None).await?.0;
            let made = stage.settled(&namespace).await?;
            let left = deleted(stage, &namespace, None).await?.0;
            stage.operator.kill().await?;
            finish(namespace).await?;
            (made, left)
        };

        let (mut kills, mut farewells) = (0, 0);
        for writes in 1..MOST_WRITES {
            let (namespace, was_cut) = made_again(stage, writes, &made).await?;
            kills += usize::from(was_cut);
            if !was_cut || writes <= 2 {
                // Deletion takes few writes or none.
                let (found, was_cut) = deleted(stage, &namespace, Some(writes)).await?;
                farewells += usize::from(was_cut);
                let differences = left.differences(&found);
                ensure!(differences.is_empty(), "deletion left something else: {differences:#?}");
            }
            stage.operator.kill().await?;
            finish(namespace).await?;
            if !was_cut {
                break;
            }
        }
        println!("every object made: {kills} of {kills} kills, deleted: {farewells} of {farewells}, each with an equal end state");

        Ok(())
    })
    .await
}

/// Waits until the platform is Ready and the operator is through; true if it was cut off before.
async fn ready_or_cut(stage: &Stage, platform: &Platform) -> Result<bool> {
    until("a Ready platform, or a cut", READY_WITHIN, async || {
        if stage.operator.proxy.has_been_cut() {
            return Ok(Look::There(true));
        }
        let resource = platform.resource().await?;
        let ready = condition(&resource, ConditionType::Ready);
        let is_ready = ready.is_some_and(|ready| {
            ready.status == "True" && ready.observed_generation == resource.metadata.generation
        });
        if is_ready && stage.operator.proxy.is_quiet(QUIET) {
            return Ok(Look::There(false));
        }

        Ok(Look::NotYet(
            ready.map_or_else(String::new, |ready| ready.message.clone()),
        ))
    })
    .await
}

/// Switches something on and off again, undisturbed and with a kill after each write, whose answer gets lost or not.
async fn there_and_back(
    stage: &mut Stage,
    namespace: &Namespace,
    what: &str,
    on: &Value,
) -> Result<Ends> {
    let off = json!({});
    let began = Instant::now();
    let wanted_off = stage.settled(namespace).await?;
    let kept = credentials(namespace).await?;
    let wanted_on = changed(stage, namespace, on).await?;
    changed(stage, namespace, &off).await?;
    stage
        .ends_as(namespace, &wanted_off)
        .await
        .context("switched on and off, undisturbed")?;

    let (mut kills_on, mut kills_off) = (0, 0);
    let cuts = match stage.cluster.settings.proof_full {
        true => &[Cut::BeforeAnswer, Cut::AfterAnswer][..],
        false => &[Cut::BeforeAnswer],
    };
    for &cut in cuts {
        let mut is_done = (false, false);
        for writes in 1..MOST_WRITES {
            for (spec, wanted, kills, is_done) in [
                (on, &wanted_on, &mut kills_on, &mut is_done.0),
                (&off, &wanted_off, &mut kills_off, &mut is_done.1),
            ] {
                let was_cut = killed(stage, namespace, spec, (writes, cut)).await?;
                *kills += usize::from(was_cut);
                *is_done = !was_cut;
                stage
                    .ends_as(namespace, wanted)
                    .await
                    .with_context(|| format!("{what}: killed after write {writes}, {cut:?}"))?;
            }
            if is_done == (true, true) {
                break;
            }
        }
    }
    ensure!(
        credentials(namespace).await?.data == kept.data,
        "{what}: the credentials were written over"
    );
    println!(
        "{what}: on {kills_on} of {kills_on}, off {kills_off} of {kills_off} kills with an equal end state, in {:.0} s",
        began.elapsed().as_secs_f64()
    );

    Ok(Ends {
        on: wanted_on,
        off: wanted_off,
    })
}

/// Changes the spec, undisturbed.
async fn changed(stage: &mut Stage, namespace: &Namespace, spec: &Value) -> Result<Snapshot> {
    stage.operator.proxy.expect_a_pass();
    apply(namespace, spec).await?;

    stage.settled(namespace).await
}

/// Changes the spec, kills the operator after so many writes if it takes as many, and starts it again.
async fn killed(
    stage: &mut Stage,
    namespace: &Namespace,
    spec: &Value,
    (writes, cut): (usize, Cut),
) -> Result<bool> {
    stage.operator.proxy.expect_a_pass();
    stage.operator.proxy.cut_after(writes, cut);
    apply(namespace, spec).await?;
    let was_cut = stage.at_rest_or_cut(namespace).await?;
    if was_cut {
        stage.operator.kill().await?;
        stage.operator.start().await?;
        stage.at_rest(namespace).await?;
    }

    Ok(was_cut)
}

/// A platform without pods made from nothing, with a kill after so many writes.
async fn made(stage: &mut Stage, writes: Option<usize>) -> Result<(Namespace, bool)> {
    let namespace = stage.namespace("killed-objects").await?;
    podless(&namespace, &json!({})).await?;
    match writes {
        Some(writes) => stage.operator.start_for(writes, Cut::BeforeAnswer).await?,
        None => stage.operator.start().await?,
    }
    let was_cut = stage.at_rest_or_cut(&namespace).await?;
    if was_cut {
        stage.operator.kill().await?;
        stage.operator.start().await?;
        stage.at_rest(&namespace).await?;
    }

    Ok((namespace, was_cut))
}

async fn made_again(
    stage: &mut Stage,
    writes: usize,
    wanted: &Snapshot,
) -> Result<(Namespace, bool)> {
    let (namespace, was_cut) = made(stage, Some(writes)).await?;
    stage
        .ends_as(&namespace, wanted)
        .await
        .with_context(|| format!("killed after write {writes}"))?;

    Ok((namespace, was_cut))
}

/// Deletes the platform, with a kill after so many writes if there are as many, and returns what is left.
async fn deleted(
    stage: &mut Stage,
    namespace: &Namespace,
    writes: Option<usize>,
) -> Result<(Snapshot, bool)> {
    if let Some(writes) = writes {
        stage.operator.proxy.cut_after(writes, Cut::BeforeAnswer);
    }
    let platforms = namespace.api::<SocialPlatform>();
    platforms.delete(NAME, &DeleteParams::background()).await?;
    let mut was_cut = false;
    let left = until("the platform's objects to go", GONE_WITHIN, async || {
        if stage.operator.proxy.has_been_cut() {
            was_cut = true;
            stage.operator.kill().await?;
            stage.operator.start().await?;
        }
        let found = stage.kinds.snapshot(namespace).await?;
        let is_ours = |object: &Value| {
            object["metadata"]["ownerReferences"]
                .as_array()
                .is_some_and(|owners| owners.iter().any(|owner| owner["name"] == NAME))
        };
        let ours = found.0.iter().filter(|(_, object)| is_ours(object));
        let names: Vec<_> = ours.map(|(name, _)| name.clone()).collect();
        let is_gone = names.is_empty() && !found.0.contains_key("SocialPlatform/demo");

        Ok(if is_gone {
            Look::There(found)
        } else {
            Look::NotYet(format!("{names:?}"))
        })
    })
    .await?;
    stage.operator.proxy.disarm();

    Ok((left, was_cut))
}

async fn finish(namespace: Namespace) -> Result<()> {
    let name = namespace.name.clone();
    namespace
        .cluster
        .kubectl(&["delete", "namespace", &name, "--wait=false"])
        .await?;

    Ok(())
}
