//! Whatever keeps a platform from being Ready, its conditions name it, and it goes on by itself once that is mended.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::platform::{NAME, READY_WITHIN, condition};
use e2e::{
    Look, Namespace, Platform, alone_on_shared_platform, in_namespace, on_shared_platform, until,
};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use operator_api::{Component, ConditionType, Reason, SocialPlatform, object_name};
use serde_json::{Value, json};

/// From a change to the condition that names what is wrong with it, the cluster's own attempts included.
const TOLD_WITHIN: Duration = Duration::from_secs(90);
const GONE_WITHIN: Duration = Duration::from_secs(120);

/// How long a platform in trouble is watched for writes; a crash loop restarts a container a few times meanwhile.
const WATCHED: Duration = Duration::from_secs(60);

/// A status that was not written for this long is not about to be.
const SETTLED_AFTER: Duration = Duration::from_secs(20);

/// Keeps a platform from going until the test lets it.
const HOLD: &str = "e2e.socialplatform.io/hold";

/// As long as a name may be.
const LONGEST_NAME: &str = "a-platform-with-the-longest-of-all-names";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_image_that_cannot_be_pulled_is_named_and_the_pods_before_serve_on() -> Result<()> {
    on_shared_platform("wrong-image", async |platform| {
        let wrong = json!({ "spec": { "version": "0.0.0-nowhere" } });
        platform.edit(wrong).await?;

        let image = ":0.0.0-nowhere cannot be pulled: ";
        is_told(platform, Reason::ImageNotPulled, image).await?;
        platform.first_request().await?;
        is_described(&platform.namespace, image).await?;

        platform
            .edit(json!({ "spec": { "version": null } }))
            .await?;
        platform.ready().await?;

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_pod_that_no_node_takes_is_told_in_the_schedulers_words() -> Result<()> {
    on_shared_platform("impossible-request", async |platform| {
        let resources = |amounts: Value| json!({ "spec": { "post": { "resources": amounts } } });
        let memory = json!({ "memory": "900Gi" });
        platform
            .edit(resources(json!({ "requests": memory, "limits": memory })))
            .await?;

        is_told(platform, Reason::Unschedulable, "Insufficient memory").await?;
        platform.first_request().await?;

        platform.edit(resources(Value::Null)).await?;
        platform.ready().await?;

        Ok(())
    })
    .await
}

/// An image in which the program is not is the nearest thing to a program that ends at once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_crash_loop_is_told_with_its_last_words_and_written_once() -> Result<()> {
    alone_on_shared_platform("crash-loop", async |platform| {
        let managed =
            |image: Value| json!({ "spec": { "redis": { "managed": { "image": image } } } });
        let settings = &platform.namespace.cluster.settings;
        let other = format!("{}/post:{}", settings.registry, settings.version);
        platform.edit(managed(json!(other))).await?;

        is_told(
            platform,
            Reason::CrashLooping,
            "container redis ended with exit code ",
        )
        .await?;
        is_settled(platform).await?;
        let restarts = restarts_of(platform, Component::Redis).await?;
        let before = platform.resource().await?.resource_version();
        tokio::time::sleep(WATCHED).await;
        let after = platform.resource().await?.resource_version();
        let restarted = restarts_of(platform, Component::Redis).await? - restarts;
        ensure!(restarted > 0, "redis was not started again in {WATCHED:?}");
        ensure!(
            before == after,
            "the status was written again while redis was started {restarted} times"
        );
        println!("{restarted} restarts in {WATCHED:?} and no write");

        platform.edit(managed(Value::Null)).await?;
        platform.ready().await?;

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_unknown_storage_class_is_named_and_a_class_that_comes_is_used() -> Result<()> {
    in_namespace("storage-class", async |namespace| {
        let class = namespace.name.clone();
        let storage = json!({ "storageClassName": class, "size": "1Gi" });
        let spec = json!({ "redis": { "managed": { "storage": storage } } });
        create(namespace, NAME, json!({}), spec).await?;

        let words = format!("claim data-demo-redis-0 has no volume of storage class {class}: ");
        says(namespace, NAME, Reason::StorageUnavailable, &words).await?;
        says(
            namespace,
            NAME,
            Reason::StorageUnavailable,
            &format!("\"{class}\" not found"),
        )
        .await?;

        let classes = Api::<StorageClass>::all(namespace.cluster.client.clone());
        let default = classes.list(&ListParams::default()).await?.items;
        let default = default
            .into_iter()
            .next()
            .context("the cluster has a storage class")?;
        let copy = StorageClass {
            metadata: ObjectMeta {
                name: Some(class.clone()),
                ..ObjectMeta::default()
            },
            ..default
        };
        classes.create(&PostParams::default(), &copy).await?;
        let ready = has_pod(namespace, Component::Redis).await;
        classes.delete(&class, &DeleteParams::default()).await?;

        ready
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_quota_is_named_and_a_raised_one_is_used() -> Result<()> {
    in_namespace("quota", async |namespace| {
        let quotas = namespace.api::<core::ResourceQuota>();
        let quota = core::ResourceQuota {
            metadata: ObjectMeta {
                name: Some("nothing".to_owned()),
                ..ObjectMeta::default()
            },
            spec: Some(core::ResourceQuotaSpec {
                hard: Some(BTreeMap::from([(
                    "pods".to_owned(),
                    serde_json::from_value(json!("0"))?,
                )])),
                ..core::ResourceQuotaSpec::default()
            }),
            status: None,
        };
        quotas.create(&PostParams::default(), &quota).await?;
        create(namespace, NAME, json!({}), json!({})).await?;

        says(
            namespace,
            NAME,
            Reason::PodsRefused,
            "exceeded quota: nothing",
        )
        .await?;
        quotas.delete("nothing", &DeleteParams::default()).await?;
        has_pod(namespace, Component::Redis).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_platform_that_goes_with_its_namespace_says_what_it_waits_for() -> Result<()> {
    in_namespace("going", async |parent| {
        let namespace = &Namespace {
            cluster: parent.cluster.clone(),
            name: format!("{}-inner", parent.name),
        };
        namespace
            .kubectl(&["create", "namespace", &namespace.name])
            .await?;
        let held = json!({ "finalizers": [HOLD] });
        create(namespace, NAME, held, json!({})).await?;
        let platforms = namespace.api::<SocialPlatform>();
        until("a first status", TOLD_WITHIN, async || {
            let resource = platforms.get(NAME).await?;
            Ok(Look::when(resource.status.is_some(), || "none".to_owned()))
        })
        .await?;

        let delete = ["delete", "namespace", "--wait=false", &namespace.name];
        namespace.kubectl(&delete).await?;
        says(namespace, NAME, Reason::Deleting, HOLD).await?;
        is_described(namespace, HOLD).await?;
        let before = platforms.get(NAME).await?.resource_version();
        tokio::time::sleep(Duration::from_secs(20)).await;
        ensure!(
            platforms.get(NAME).await?.resource_version() == before,
            "a platform that is only waited for is written to"
        );

        let release = json!({ "metadata": { "finalizers": null } });
        platforms
            .patch(NAME, &PatchParams::default(), &Patch::Merge(&release))
            .await?;
        let namespaces = Api::<core::Namespace>::all(namespace.cluster.client.clone());
        until("the namespace to go", GONE_WITHIN, async || {
            let found = namespaces.get_opt(&namespace.name).await?;
            Ok(Look::when(found.is_none(), || {
                format!("{:?}", found.and_then(|it| it.status))
            }))
        })
        .await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn the_longest_name_and_annotations_in_any_script_are_fine() -> Result<()> {
    ensure!(LONGEST_NAME.len() == operator_api::names::MAX_PLATFORM_NAME);
    in_namespace("longest-name", async |namespace| {
        let annotations = json!({
            "example.com/motto": "Grüße aus 東京 \u{1f30d}, “so” it goes\n{\"json\": true}",
            "example.com/empty": "",
        });
        let metadata = json!({ "annotations": annotations });
        create(namespace, LONGEST_NAME, metadata, json!({})).await?;

        says(namespace, LONGEST_NAME, Reason::Ready, "").await?;
        let resource = namespace.api::<SocialPlatform>().get(LONGEST_NAME).await?;
        ensure!(
            json!(resource.annotations()) == annotations,
            "annotations were changed to {:?}",
            resource.annotations()
        );

        Ok(())
    })
    .await
}

/// Asks for a platform with more metadata than its name.
async fn create(namespace: &Namespace, name: &str, mut metadata: Value, spec: Value) -> Result<()> {
    metadata["name"] = json!(name);
    let resource: SocialPlatform = serde_json::from_value(json!({
        "apiVersion": operator_api::API_VERSION,
        "kind": operator_api::KIND,
        "metadata": metadata,
        "spec": spec,
    }))?;
    namespace
        .api::<SocialPlatform>()
        .create(&PostParams::default(), &resource)
        .await
        .context("failed to create the SocialPlatform")?;

    Ok(())
}

/// Waits until the platform is degraded for this reason, still serves, and has told an event of it.
async fn is_told(platform: &Platform, reason: Reason, words: &str) -> Result<()> {
    let namespace = &platform.namespace;
    says(namespace, NAME, reason, words).await?;

    let resource = platform.resource().await?;
    let is_true = |kind| condition(&resource, kind).is_some_and(|it| it.status == "True");
    ensure!(
        is_true(ConditionType::Degraded)
            && is_true(ConditionType::Reconciling)
            && !is_true(ConditionType::Stalled),
        "{:?}",
        resource.status
    );
    let told = ListParams::default().fields(&format!(
        "involvedObject.name={NAME},reason={}",
        reason.as_str()
    ));
    until("an event that tells of it", TOLD_WITHIN, async || {
        let events = namespace.api::<core::Event>().list(&told).await?.items;
        Ok(Look::when(!events.is_empty(), || {
            "no such event".to_owned()
        }))
    })
    .await
}

/// Waits until `Ready` has this reason and these words, about the resource as it is.
async fn says(namespace: &Namespace, name: &str, reason: Reason, words: &str) -> Result<()> {
    let within = if reason == Reason::Ready {
        READY_WITHIN
    } else {
        TOLD_WITHIN
    };
    let resources = namespace.api::<SocialPlatform>();
    let what = format!("{}: {words}", reason.as_str());
    until(&what, within, async || {
        let resource = resources.get(name).await?;
        let Some(ready) = condition(&resource, ConditionType::Ready) else {
            return Ok(Look::NotYet("no condition Ready".to_owned()));
        };
        let is_said = ready.reason == reason.as_str()
            && ready.message.contains(words)
            && ready.observed_generation == resource.metadata.generation;

        Ok(Look::when(is_said, || {
            format!("{}: {}", ready.reason, ready.message)
        }))
    })
    .await
}

/// What a person reads first has the words in it.
async fn is_described(namespace: &Namespace, words: &str) -> Result<()> {
    let described = namespace
        .kubectl(&["describe", "socialplatform", NAME])
        .await?;
    // kubectl breaks no lines, but prints a long sentence as it is.
    ensure!(described.contains(words), "{described}");

    Ok(())
}

/// Waits until a store has its pod, ready, and the platform does not complain of it.
async fn has_pod(namespace: &Namespace, store: Component) -> Result<()> {
    let name = object_name(NAME, store);
    until("a ready pod", READY_WITHIN, async || {
        let set = namespace.api::<StatefulSet>().get(&name).await?;
        let ready = set.status.and_then(|status| status.ready_replicas);
        let resource = namespace.api::<SocialPlatform>().get(NAME).await?;
        let parts = resource
            .status
            .map(|status| status.components)
            .unwrap_or_default();
        let part = parts.into_iter().find(|part| part.name == store);
        let reason = part.map(|part| part.reason).unwrap_or_default();

        Ok(Look::when(
            ready == Some(1) && reason == Reason::Ready.as_str(),
            || format!("ready pods: {ready:?}, reason: {reason}"),
        ))
    })
    .await
}

/// Waits until the services that miss their store have said so, and nothing else is written.
async fn is_settled(platform: &Platform) -> Result<()> {
    let mut last = (None, Instant::now());
    until("the status to stay as it is", TOLD_WITHIN, async || {
        let version = platform.resource().await?.resource_version();
        if version != last.0 {
            last = (version, Instant::now());
        }
        Ok(Look::when(last.1.elapsed() > SETTLED_AFTER, || {
            format!("{last:?}")
        }))
    })
    .await
}

async fn restarts_of(platform: &Platform, component: Component) -> Result<i32> {
    let pods = platform.pods_of(component).await?;
    let statuses = pods
        .iter()
        .filter_map(|pod| pod.status.as_ref()?.container_statuses.as_ref());

    Ok(statuses.flatten().map(|status| status.restart_count).sum())
}
