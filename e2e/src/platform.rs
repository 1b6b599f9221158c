//! A running `SocialPlatform`: made, watched, edited and talked to as its owner would.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use operator_api::{Component, Condition, ConditionType, Reason, SocialPlatform, object_name};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::client::PublicApi;
use crate::namespace::Namespace;
use crate::ports::Lease;
use crate::settings::DEFAULT_REGISTRY;
use crate::wait::{Look, until};

/// Name of every platform in these tests; the namespace tells them apart.
pub const NAME: &str = "demo";

/// A platform's first start on a busy machine, and every change of it, is over by then.
pub const READY_WITHIN: Duration = Duration::from_secs(240);

/// More platforms at once would make each of them slow on a small machine.
static ROOM: Semaphore = Semaphore::const_new(2);

/// A platform in a test's namespace.
pub struct Platform {
    pub namespace: Namespace,
    pub(crate) claim: Arc<Claim>,
}

/// What a platform occupies while a test needs it.
pub(crate) struct Claim {
    lease: Option<Lease>,
    _room: SemaphorePermit<'static>,
}

impl Platform {
    /// Asks for a platform that is reached from outside. It is not waited for.
    pub async fn exposed(namespace: &Namespace) -> Result<Self> {
        let room = ROOM.acquire().await?;
        let lease = Some(Lease::take(&namespace.cluster).await?);
        let platform = Self::new(namespace, Claim { lease, _room: room });
        platform.create().await?;

        Ok(platform)
    }

    /// Asks for a platform with nothing said about it. It is not waited for.
    pub async fn with_defaults(namespace: &Namespace) -> Result<Self> {
        let room = ROOM.acquire().await?;
        let claim = Claim {
            lease: None,
            _room: room,
        };
        let platform = Self::new(namespace, claim);
        platform.create().await?;

        Ok(platform)
    }

    fn new(namespace: &Namespace, claim: Claim) -> Self {
        Self {
            namespace: namespace.clone(),
            claim: Arc::new(claim),
        }
    }

    /// Asks for the platform, again if it was deleted.
    pub async fn create(&self) -> Result<()> {
        let mut spec = json!({});
        if let Some(lease) = &self.claim.lease {
            let exposure = json!({ "type": "NodePort", "nodePort": lease.port.node });
            spec["gateway"] = json!({ "exposure": exposure, "rateLimit": unlimited() });
        }
        let registry = &self.namespace.cluster.settings.registry;
        if registry != DEFAULT_REGISTRY {
            spec["images"] = json!({ "registry": registry });
        }
        ask_for(&self.namespace, spec).await
    }

    pub fn resources(&self) -> Api<SocialPlatform> {
        self.namespace.api()
    }

    pub async fn resource(&self) -> Result<SocialPlatform> {
        self.resources()
            .get(NAME)
            .await
            .context("failed to read the SocialPlatform")
    }

    /// Waits until the platform is Ready as it is wanted at this moment.
    pub async fn ready(&self) -> Result<SocialPlatform> {
        let generation = self.resource().await?.metadata.generation;
        until("a Ready platform", READY_WITHIN, async || {
            let resource = self.resource().await?;
            let ready = condition(&resource, ConditionType::Ready);
            let is_ready = ready.is_some_and(|condition| {
                condition.status == "True" && condition.observed_generation == generation
            });
            if is_ready {
                return Ok(Look::There(resource));
            }

            Ok(Look::NotYet(match ready {
                Some(ready) => format!("Ready is {}: {}", ready.status, ready.message),
                None => "no condition Ready".to_owned(),
            }))
        })
        .await
    }

    /// Merges `change` into the resource, as `kubectl patch` does.
    pub async fn edit(&self, change: Value) -> Result<SocialPlatform> {
        self.resources()
            .patch(NAME, &PatchParams::default(), &Patch::Merge(&change))
            .await
            .context("failed to edit the SocialPlatform")
    }

    /// Every pod of the platform that is not about to stop.
    pub async fn pods(&self) -> Result<Vec<Pod>> {
        let ours = ListParams::default().labels(&format!("app.kubernetes.io/instance={NAME}"));
        let mut pods = self.namespace.api::<Pod>().list(&ours).await?.items;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());

        Ok(pods)
    }

    /// The pods of one component that are not about to stop.
    pub async fn pods_of(&self, component: Component) -> Result<Vec<Pod>> {
        let mut pods = self.pods().await?;
        pods.retain(|pod| pod.labels()["app.kubernetes.io/name"] == component.as_str());

        Ok(pods)
    }

    /// The platform's public API, from outside the cluster.
    pub fn public_api(&self) -> Result<PublicApi> {
        let lease = self.claim.lease.as_ref();
        let lease = lease.context("this platform is not exposed")?;

        PublicApi::at(&format!("http://127.0.0.1:{}", lease.port.host))
    }

    /// Asks the gateway for its public keys, from inside the cluster.
    pub async fn first_request(&self) -> Result<String> {
        let gateway = object_name(NAME, Component::Gateway);

        self.namespace
            .cluster
            .first_request(&self.namespace.name, &gateway)
            .await
    }
}

/// All requests of these tests come from one address, and more of them than one client may send by default.
pub fn unlimited() -> Value {
    const MANY: u32 = 1_000_000;

    json!({
        "requestsPerMinute": MANY,
        "burst": MANY,
        "authRequestsPerMinute": MANY,
        "authBurst": MANY,
    })
}

/// Asks for a platform with this spec and nothing else.
pub async fn ask_for(namespace: &Namespace, spec: Value) -> Result<()> {
    let resource = SocialPlatform::new(NAME, serde_json::from_value(spec)?);
    namespace
        .api::<SocialPlatform>()
        .create(&PostParams::default(), &resource)
        .await
        .context("failed to create the SocialPlatform")?;

    Ok(())
}

/// Waits until the platform is stalled for this reason, with these words.
pub async fn stalls_with(
    namespace: &Namespace,
    reason: Reason,
    words: &str,
    within: Duration,
) -> Result<()> {
    let resources = namespace.api::<SocialPlatform>();
    until(words, within, async || {
        let resource = resources.get(NAME).await?;
        let Some(stalled) = condition(&resource, ConditionType::Stalled) else {
            return Ok(Look::NotYet("no condition Stalled".to_owned()));
        };
        let is_told = stalled.status == "True"
            && stalled.reason == reason.as_str()
            && stalled.message.contains(words);

        Ok(Look::when(is_told, || {
            format!("{}: {}", stalled.reason, stalled.message)
        }))
    })
    .await
}

/// One condition of a platform's status.
pub fn condition(resource: &SocialPlatform, kind: ConditionType) -> Option<&Condition> {
    let conditions = &resource.status.as_ref()?.conditions;

    conditions
        .iter()
        .find(|condition| condition.type_ == kind.as_str())
}

/// A pod that is the same as before was neither replaced nor restarted.
pub fn life_of(pod: &Pod) -> (String, String, i32) {
    let statuses = pod
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.as_deref())
        .unwrap_or_default();
    let restarts = statuses.iter().map(|status| status.restart_count).sum();

    (pod.name_any(), pod.uid().unwrap_or_default(), restarts)
}
