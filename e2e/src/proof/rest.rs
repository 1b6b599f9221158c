//! When an operator has done what there was to do, and what it has left.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams};
use operator_api::SocialPlatform;
use serde_json::json;
use tokio::time::Instant;

use super::podless::refusal_is_told;
use super::snapshot::Snapshot;
use super::stage::Stage;
use crate::Namespace;
use crate::platform::NAME;
use crate::wait::{Look, until};

/// A pass asks for one thing after the other. After this long without a question it is over.
pub const QUIET: Duration = Duration::from_millis(400);
/// Time enough for Kubernetes' controllers to see what the operator did, and for the operator to see what they did.
const SETTLED: Duration = Duration::from_secs(2);
const AT_REST_WITHIN: Duration = Duration::from_secs(60);
/// The operator looks again after 30 s while it waits for pods, and after a resync otherwise.
pub const CONVERGED_WITHIN: Duration = Duration::from_secs(45);

impl Stage {
    /// Waits until the operator looked at the platform as it is wanted and is through with it.
    pub async fn at_rest(&self, namespace: &Namespace) -> Result<Snapshot> {
        let platforms: Api<SocialPlatform> = namespace.api();
        until("the operator to be through", AT_REST_WITHIN, async || {
            let proxy = &self.operator.proxy;
            if proxy.has_been_cut() {
                return Ok(Look::NotYet("cut off".to_owned()));
            }
            let platform = platforms.get(NAME).await?;
            let observed = platform
                .status
                .and_then(|status| status.observed_generation);
            let is_seen = observed == platform.metadata.generation;

            Ok(Look::when(is_seen && proxy.is_quiet(QUIET), || {
                format!("seen: {is_seen}, passes: {}", proxy.passes())
            }))
        })
        .await?;

        self.kinds.snapshot(namespace).await
    }

    /// Waits until nothing changes any more: what others do after the operator may have it write again.
    pub async fn settled(&self, namespace: &Namespace) -> Result<Snapshot> {
        let mut before = self.at_rest(namespace).await?;
        until("nothing to change any more", AT_REST_WITHIN, async || {
            tokio::time::sleep(SETTLED).await;
            let after = self.at_rest(namespace).await?;
            let changes = before.differences(&after);
            before = after;
            let is_told = refusal_is_told(namespace).await?;

            Ok(Look::when(changes.is_empty() && is_told, || {
                format!("refusal told: {is_told}\n{}", changes.join("\n"))
            }))
        })
        .await?;

        Ok(before)
    }

    /// Waits until the operator is through or cut off; true when it was cut off.
    pub async fn at_rest_or_cut(&self, namespace: &Namespace) -> Result<bool> {
        let mut cut = std::pin::pin!(self.operator.proxy.is_cut(AT_REST_WITHIN));
        let mut rest = std::pin::pin!(self.at_rest(namespace));
        tokio::select! {
            is_cut = &mut cut => Ok(is_cut),
            rest = &mut rest => {
                rest?;
                // What comes last may be cut off before it was seen to be.
                Ok(!self.operator.proxy.disarm() && cut.await)
            }
        }
    }

    /// Has the operator look at the platform this often, by an annotation that means nothing.
    pub async fn look(&self, namespace: &Namespace, passes: usize) -> Result<()> {
        let proxy = &self.operator.proxy;
        proxy.expect_a_pass();
        let mut touched = 0;
        until("the operator to look", AT_REST_WITHIN, async || {
            touched += 1;
            let change =
                json!({ "metadata": { "annotations": { "touched": touched.to_string() } } });
            let change = Patch::Merge(&change);
            let platforms: Api<SocialPlatform> = namespace.api();
            platforms
                .patch(NAME, &PatchParams::default(), &change)
                .await?;
            let passes_now = proxy.passes();

            Ok(Look::when(passes_now >= passes, || {
                format!("{passes_now} passes")
            }))
        })
        .await?;
        let change = json!({ "metadata": { "annotations": { "touched": null } } });
        let platforms: Api<SocialPlatform> = namespace.api();
        platforms
            .patch(NAME, &PatchParams::default(), &Patch::Merge(&change))
            .await?;

        Ok(())
    }

    /// Waits until everything in the namespace is as in another run, and says how long that took.
    pub async fn ends_as(&self, namespace: &Namespace, wanted: &Snapshot) -> Result<Duration> {
        let began = Instant::now();
        loop {
            let found = self.kinds.snapshot(namespace).await?;
            let differences = wanted.differences(&found);
            if differences.is_empty() {
                return Ok(began.elapsed());
            }
            if began.elapsed() > CONVERGED_WITHIN {
                let shown = differences.iter().take(20).cloned().collect::<Vec<_>>();
                bail!(
                    "{} did not end as the run that nobody disturbed: {} differences\n{}",
                    namespace.name,
                    differences.len(),
                    shown.join("\n")
                );
            }
            tokio::time::sleep(QUIET).await;
        }
    }
}

/// What must survive everything: the credentials, byte for byte.
pub async fn credentials(namespace: &Namespace) -> Result<Secret> {
    super::snapshot::credentials(namespace)
        .await?
        .context("there are no credentials")
}
