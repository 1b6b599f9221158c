//! One platform that tests use in turn, because starting one takes longer than most of what is asked of it.
//!
//! Every test finds it Ready and leaves it as found, so their order does not matter. After a failure it is kept for
//! a look, and the next test gets a fresh one. Its namespace goes with the cluster, or when the next run begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::sync::Mutex;

use crate::Cluster;
use crate::dump;
use crate::namespace::{Namespace, OPERATOR, TEST_LABEL, namespaces, outcome_of};
use crate::platform::{Claim, Platform};

/// What the shared platform's namespace is labelled with instead of a test's name.
pub const TEST: &str = "shared";

static SHARED: Mutex<Option<Shared>> = Mutex::const_new(None);

/// What outlives a test; connections do not.
struct Shared {
    namespace: String,
    claim: Arc<Claim>,
}

/// Runs a test on the shared platform, which it has for itself meanwhile.
pub async fn on_shared_platform(
    test: &str,
    body: impl AsyncFnOnce(&Platform) -> Result<()>,
) -> Result<()> {
    let _operator = OPERATOR.read().await;
    run(test, body).await
}

/// Runs a test on the shared platform while no other test runs, so that the operator has nothing else to do.
pub async fn alone_on_shared_platform(
    test: &str,
    body: impl AsyncFnOnce(&Platform) -> Result<()>,
) -> Result<()> {
    let _operator = OPERATOR.write().await;
    run(test, body).await
}

async fn run(test: &str, body: impl AsyncFnOnce(&Platform) -> Result<()>) -> Result<()> {
    let mut slot = SHARED.lock().await;
    let cluster = Cluster::with_operator().await?;
    let shared = match slot.take() {
        Some(shared) => shared,
        None => Shared::start(&cluster).await?,
    };
    let namespace = Namespace {
        cluster,
        name: shared.namespace.clone(),
    };
    let platform = Platform {
        namespace: namespace.clone(),
        claim: shared.claim.clone(),
    };

    let outcome = outcome_of(async {
        platform.ready().await?;
        body(&platform).await?;
        platform
            .ready()
            .await
            .context("the test left the shared platform unready")?;

        Ok(())
    })
    .await;
    match &outcome {
        Ok(()) => *slot = Some(shared),
        Err(error) => {
            dump::print(&namespace, error).await;
            keep(&namespace, test).await?;
        }
    }

    outcome
}

impl Shared {
    async fn start(cluster: &Cluster) -> Result<Self> {
        let namespace = Namespace::create(cluster.clone(), TEST).await?;
        let platform = Platform::exposed(&namespace).await?;

        Ok(Self {
            namespace: namespace.name,
            claim: platform.claim,
        })
    }
}

/// Gives the namespace to the test that failed in it, so that the next run does not remove it.
async fn keep(namespace: &Namespace, test: &str) -> Result<()> {
    let labels = BTreeMap::from([(TEST_LABEL, test)]);
    let change = json!({ "metadata": { "labels": labels } });
    namespaces(&namespace.cluster)
        .patch(
            &namespace.name,
            &PatchParams::default(),
            &Patch::Merge(&change),
        )
        .await?;

    Ok(())
}
