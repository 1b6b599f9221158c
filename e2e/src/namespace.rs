//! One namespace per test: named after it, held to the `restricted` standard, gone when the test passed, kept and
//! printed when it failed.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use futures::FutureExt;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1 as core;
use kube::Resource;
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};
use tokio::sync::RwLock;

use crate::Cluster;
use crate::dump;

/// Carries the name of the test a namespace belongs to.
pub const TEST_LABEL: &str = "e2e.socialplatform.io/test";

/// A test that hangs is dumped like any other that fails.
const TEST_TIMEOUT: Duration = Duration::from_secs(600);

/// Tests share the operator; one that needs it for itself takes the lock for writing.
pub(crate) static OPERATOR: RwLock<()> = RwLock::const_new(());

/// How many namespaces this run has made.
static CREATED: AtomicU32 = AtomicU32::new(0);
/// Tells the namespaces of this run from those a failed one left.
static RUN: LazyLock<String> = LazyLock::new(|| {
    let now = jiff::Timestamp::now().as_millisecond();
    format!("{:05x}", now & 0xf_ffff)
});

/// A namespace and the cluster it is in.
#[derive(Clone)]
pub struct Namespace {
    pub cluster: Cluster,
    pub name: String,
}

/// Runs a test in a namespace of its own.
pub async fn in_namespace(
    test: &str,
    body: impl AsyncFnOnce(&Namespace) -> Result<()>,
) -> Result<()> {
    let _operator = OPERATOR.read().await;
    run(test, TEST_TIMEOUT, body).await
}

/// Runs a long test in a namespace of its own while no other test runs: they would wait for what it holds longer than
/// they may take. It may take as long as `limit`.
pub async fn alone_in_namespace(
    test: &str,
    limit: Duration,
    body: impl AsyncFnOnce(&Namespace) -> Result<()>,
) -> Result<()> {
    let _operator = OPERATOR.write().await;
    run(test, limit, body).await
}

async fn run(
    test: &str,
    limit: Duration,
    body: impl AsyncFnOnce(&Namespace) -> Result<()>,
) -> Result<()> {
    let cluster = Cluster::with_operator().await?;
    let namespace = Namespace::create(cluster, test).await?;
    let outcome = outcome_within(limit, body(&namespace)).await;
    namespace.conclude(outcome).await
}

/// How a test ended: a panic and a hang are failures like any other.
pub(crate) async fn outcome_of(test: impl Future<Output = Result<()>>) -> Result<()> {
    outcome_within(TEST_TIMEOUT, test).await
}

pub(crate) async fn outcome_within(
    limit: Duration,
    test: impl Future<Output = Result<()>>,
) -> Result<()> {
    let test = AssertUnwindSafe(test).catch_unwind();
    match tokio::time::timeout(limit, test).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err(anyhow!("{}", said.unwrap_or("the test panicked")))
        }
        Err(_) => Err(anyhow!("the test did not end within {limit:?}")),
    }
}

impl Namespace {
    pub(crate) async fn create(cluster: Cluster, test: &str) -> Result<Self> {
        // A test may need a second one: the shared platform after a failure.
        let number = CREATED.fetch_add(1, Ordering::Relaxed);
        let name = format!("{test}-{}-{number}", *RUN);
        let labels = BTreeMap::from([
            (TEST_LABEL.to_owned(), test.to_owned()),
            (
                "pod-security.kubernetes.io/enforce".to_owned(),
                "restricted".to_owned(),
            ),
        ]);
        let namespace = core::Namespace {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some(labels),
                ..ObjectMeta::default()
            },
            ..core::Namespace::default()
        };
        namespaces(&cluster)
            .create(&PostParams::default(), &namespace)
            .await
            .with_context(|| format!("failed to create namespace {name}"))?;

        Ok(Self { cluster, name })
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        self.cluster.api(&self.name)
    }

    /// `kubectl` in this namespace.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let arguments = [&["--namespace", &self.name], arguments].concat();

        self.cluster.kubectl(&arguments).await
    }

    /// Deletes the namespace of a test that passed; prints and keeps that of one that failed.
    async fn conclude(self, outcome: Result<()>) -> Result<()> {
        if let Err(error) = &outcome {
            dump::print(&self, error).await;
        } else if !self.cluster.settings.keep {
            self.delete().await?;
        }

        outcome
    }

    /// Asks for the end of the namespace; its pods may take a moment to stop.
    pub(crate) async fn delete(&self) -> Result<()> {
        namespaces(&self.cluster)
            .delete(&self.name, &DeleteParams::background())
            .await
            .with_context(|| format!("failed to delete namespace {}", self.name))?;

        Ok(())
    }
}

pub(crate) fn namespaces(cluster: &Cluster) -> Api<core::Namespace> {
    Api::all(cluster.client.clone())
}
