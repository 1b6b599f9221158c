//! Every field of the resource does something, or is refused with a sentence; and setting it back undoes it.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::Namespace;
use e2e::proof::values::every_line_means_a_leaf;
use e2e::proof::{Effect, Leaf, Snapshot, Stage, Step, apply, leaves, on_stage, podless, step};
use operator_api::manifests::crd;
use operator_api::{SocialPlatform, SocialPlatformSpec};
use operator_render::Objects;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(600);

#[test]
fn every_leaf_of_the_schema_reaches_the_objects_and_back() {
    let leaves = all_leaves();
    every_line_means_a_leaf(&leaves).unwrap();

    let problems: Vec<_> = leaves.iter().filter_map(|leaf| walk(leaf).err()).collect();

    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    println!("{} of {} leaves walked", leaves.len(), leaves.len());
}

/// One step after the other on a platform without pods. What the API server takes has to show in the namespace, and to be
/// gone again when the field is; what it refuses has to come with its sentence.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn every_leaf_is_applied_and_effective_or_refused_with_a_sentence() -> Result<()> {
    on_stage("schema-walk", LIMIT, async |stage| {
        let leaves = all_leaves();
        let mut steps = Vec::new();
        for leaf in &leaves {
            steps.push(step(leaf)?);
        }
        // Neighbours have the same spec around them, so that it is applied once.
        steps.sort_by_key(|step| step.before.to_string());

        let (mut effective, mut refused, mut operator) = (0, 0, 0);
        let mut place: Option<(Value, Namespace, Snapshot)> = None;
        for step in steps {
            let is_there = place.as_ref().is_some_and(|(spec, ..)| *spec == step.before);
            if !is_there {
                if let Some((_, namespace, _)) = place.take() {
                    stage.operator.kill().await?;
                    namespace.kubectl(&["delete", "namespace", &namespace.name, "--wait=false"]).await?;
                }
                place = Some(start(stage, &step.before).await?);
            }
            let (_, namespace, before) = place.as_ref().context("there is a platform")?;
            match step.effect {
                Effect::Fixed(sentence) => {
                    is_refused(namespace, &step, sentence).await?;
                    refused += 1;
                }
                Effect::Objects => {
                    is_effective(stage, namespace, &step, before).await?;
                    effective += 1;
                }
                Effect::Operator(_) => operator += 1,
            }
        }
        if let Some((_, namespace, _)) = place {
            namespace
                .kubectl(&["delete", "namespace", &namespace.name, "--wait=false"])
                .await?;
        }
        println!(
            "{} of {} leaves walked: {effective} applied, effective and taken back, {refused} refused with a sentence, {operator} for the operator alone",
            effective + refused + operator,
            leaves.len()
        );

        Ok(())
    })
    .await
}

async fn start(stage: &mut Stage, spec: &Value) -> Result<(Value, Namespace, Snapshot)> {
    let namespace = stage.namespace("schema-walk").await?;
    podless::podless(&namespace, spec).await?;
    stage.operator.start().await?;
    let before = stage.settled(&namespace).await?;

    Ok((spec.clone(), namespace, before))
}

async fn is_refused(namespace: &Namespace, step: &Step, sentence: &str) -> Result<()> {
    for spec in &step.after {
        let Err(refusal) = apply(namespace, spec).await else {
            bail!("spec.{} was changed, and is settled at creation", step.path);
        };
        let refusal = format!("{refusal:#}");
        ensure!(
            refusal.contains(sentence),
            "spec.{} is refused without its sentence: {refusal}",
            step.path
        );
    }

    Ok(())
}

async fn is_effective(
    stage: &Stage,
    namespace: &Namespace,
    step: &Step,
    before: &Snapshot,
) -> Result<()> {
    let mut is_effective = false;
    for spec in step.after.iter().chain([&step.before]) {
        stage.operator.proxy.expect_a_pass();
        let applied = apply(namespace, spec).await;
        applied.with_context(|| format!("spec.{}: {spec} is refused", step.path))?;
        let after = stage.at_rest(namespace).await?;
        let without_resource = |snapshot: &Snapshot| {
            let mut objects = snapshot.0.clone();
            objects.remove("SocialPlatform/demo");
            objects
        };
        is_effective |= without_resource(before) != without_resource(&after);
    }
    ensure!(
        is_effective,
        "spec.{} is accepted and changes nothing",
        step.path
    );
    stage
        .ends_as(namespace, before)
        .await
        .with_context(|| format!("spec.{} was taken back", step.path))?;

    Ok(())
}

fn all_leaves() -> Vec<Leaf> {
    leaves(&serde_json::to_value(crd()).unwrap()).unwrap()
}

/// One leaf there and back, or what is wrong with it.
fn walk(leaf: &Leaf) -> Result<(), String> {
    let Step {
        path,
        before,
        after,
        effect,
    } = step(leaf).map_err(|error| error.to_string())?;
    let rendered = |spec: &Value| {
        objects(spec).map_err(|why| format!("spec.{path}: {spec} cannot be made: {why}"))
    };
    let there = rendered(&before)?;
    let changed = after.iter().map(rendered).collect::<Result<Vec<_>, _>>()?;
    let is_effective = changed.iter().any(|changed| *changed != there);

    match effect {
        Effect::Operator(_) if is_effective => Err(format!(
            "spec.{path} changes objects, and the table says that it does not"
        )),
        Effect::Objects | Effect::Fixed(_) if !is_effective => Err(format!(
            "spec.{path} is accepted and changes nothing: {after:?} gives the objects of {before}"
        )),
        _ if format!("{:?}", rendered(&before)?) != format!("{there:?}") => {
            Err(format!("spec.{path}: the way back gives other objects"))
        }
        _ => Ok(()),
    }
}

fn objects(spec: &Value) -> Result<Objects, String> {
    let spec: SocialPlatformSpec =
        serde_json::from_value(spec.clone()).map_err(|error| error.to_string())?;
    let mut platform = SocialPlatform::new("demo", spec);
    platform.metadata.namespace = Some("walk".to_owned());
    platform.metadata.uid = Some("00000000-0000-4000-8000-000000000001".to_owned());

    podless::objects(&platform, "1.2.3")
}
