//! The cluster under test, with the operator installed by its chart.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, DeleteParams, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, Resource, ResourceExt};
use tokio::sync::OnceCell;

use crate::namespace::TEST_LABEL;
use crate::programs;
use crate::settings::Settings;
use crate::shared;
use crate::wait::{Look, until};

/// Name of the chart's release, and namespace the operator runs in.
pub const RELEASE: &str = "socialplatform";
pub const OPERATOR_NAMESPACE: &str = "socialplatform-system";
/// What the chart calls the operator's Deployment and its Lease.
pub const OPERATOR: &str = "socialplatform-operator";

/// The chart in this checkout.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/operator");

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Port of the operator's health and metrics.
const OPERATOR_ADMIN_PORT: u16 = 9090;
const API_WRITES: &str = "socialplatform_operator_api_writes_total";
const LEADER: &str = "socialplatform_operator_leader";
/// One operator follows another within seconds.
const LED_WITHIN: Duration = Duration::from_secs(60);

/// Whether the operator was installed, once for all tests of this process.
static INSTALLED: OnceCell<Result<(), String>> = OnceCell::const_new();

/// Handles to the cluster. Each test has its own: connections live and die with a test's runtime.
#[derive(Clone)]
pub struct Cluster {
    pub client: Client,
    pub settings: Settings,
}

impl Cluster {
    /// The cluster the environment names, with the operator running in it.
    pub async fn with_operator() -> Result<Self> {
        let settings = Settings::from_environment()?;
        let cluster = Self {
            client: Client::try_from(config(&settings).await?)?,
            settings,
        };
        INSTALLED
            .get_or_init(async || {
                cluster
                    .prepare()
                    .await
                    .map_err(|error| format!("{error:#}"))
            })
            .await
            .as_ref()
            .map_err(|error| anyhow!("failed to install the operator: {error}"))?;

        Ok(cluster)
    }

    pub fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The same cluster as another account sees it.
    pub async fn client_as(&self, account: &str) -> Result<Client> {
        let mut config = config(&self.settings).await?;
        config.auth_info.impersonate = Some(account.to_owned());

        Ok(Client::try_from(config)?)
    }

    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        programs::run(&self.settings.kubeconfig, "kubectl", arguments).await
    }

    pub async fn helm(&self, arguments: &[&str]) -> Result<String> {
        programs::run(&self.settings.kubeconfig, "helm", arguments).await
    }

    /// What `helm install`, `upgrade` and `template` are told about the images under test.
    pub fn chart_values(&self) -> Vec<String> {
        let Settings {
            registry, version, ..
        } = &self.settings;

        [
            format!("image.repository={registry}/operator"),
            format!("image.tag={version}"),
            format!("platformVersion={version}"),
        ]
        .into_iter()
        .flat_map(|value| ["--set-string".to_owned(), value])
        // Often enough for a test to see what happens at rest.
        .chain(["--set", "resyncSeconds=10"].map(str::to_owned))
        .collect()
    }

    /// Installs the operator, or upgrades it, and waits until it is ready.
    pub async fn install_operator(&self, more: &[&str]) -> Result<()> {
        let values = self.chart_values();
        let mut arguments = vec!["upgrade", "--install", RELEASE, CHART];
        arguments.extend(["--namespace", OPERATOR_NAMESPACE, "--create-namespace"]);
        arguments.extend(["--wait", "--timeout", "3m"]);
        arguments.extend(values.iter().map(String::as_str));
        arguments.extend(more);
        self.helm(&arguments).await?;

        // Until then a pod of before may hold the Lease.
        let deployment = format!("deployment/{OPERATOR}");
        let status = ["rollout", "status", &deployment, "--timeout=60s"];
        self.kubectl(&[&["--namespace", OPERATOR_NAMESPACE], &status[..]].concat())
            .await?;

        Ok(())
    }

    /// The operator's pod that works, once there is one: it holds the Lease and is not about to stop.
    pub async fn operator_pod(&self) -> Result<Pod> {
        let leases = self.api::<Lease>(OPERATOR_NAMESPACE);

        until("an operator that works", LED_WITHIN, async || {
            let lease = leases.get_opt(OPERATOR).await?;
            let holder = lease.and_then(|lease| lease.spec?.holder_identity);
            let pods = self.operator_pods().await?;
            let holding = pods.into_iter().find(|pod| pod.metadata.name == holder);

            Ok(match holding {
                Some(pod) => Look::There(pod),
                None => Look::NotYet(format!("the Lease is held by {holder:?}")),
            })
        })
        .await
    }

    /// The operator's pods that are not about to stop.
    pub async fn operator_pods(&self) -> Result<Vec<Pod>> {
        let ours = ListParams::default().labels("app.kubernetes.io/name=operator");
        let mut pods = self.api::<Pod>(OPERATOR_NAMESPACE).list(&ours).await?.items;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());

        Ok(pods)
    }

    /// Whether this pod of the operator says of itself that it works.
    pub async fn says_it_leads(&self, pod: &Pod) -> Result<bool> {
        let name = pod.name_any();
        let metrics = self
            .metrics(OPERATOR_NAMESPACE, &name, OPERATOR_ADMIN_PORT)
            .await?;

        Ok(sum_of(&metrics, LEADER)? == 1)
    }

    /// How many requests that are not reads the operator has sent to the API server since it started, but for those by
    /// which it keeps its Lease.
    pub async fn operator_writes(&self) -> Result<u64> {
        let metrics = self.operator_metrics().await?;
        let others = metrics
            .lines()
            .filter(|line| !line.contains("resource=\"leases\""))
            .fold(String::new(), |text, line| text + line + "\n");

        sum_of(&others, API_WRITES)
    }

    /// Whether this very operator looked at the platform of a namespace and found it ready.
    pub async fn operator_saw_ready(&self, namespace: &str) -> Result<bool> {
        let label = format!("namespace=\"{namespace}\"");
        let metrics = self.operator_metrics().await?;

        Ok(metrics.lines().any(|line| {
            line.contains("platform_ready{") && line.contains(&label) && line.ends_with(" 1")
        }))
    }

    async fn operator_metrics(&self) -> Result<String> {
        let pod = self.operator_pod().await?;
        let name = pod.metadata.name.context("a pod has a name")?;

        self.metrics(OPERATOR_NAMESPACE, &name, OPERATOR_ADMIN_PORT)
            .await
    }

    /// The metrics of a pod, in the text format of Prometheus.
    pub async fn metrics(&self, namespace: &str, pod: &str, port: u16) -> Result<String> {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/metrics");

        self.get(&path).await
    }

    /// Asks the gateway for its public keys through its Service, by way of the API server's proxy.
    pub async fn first_request(&self, namespace: &str, service: &str) -> Result<String> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/services/{service}:http/proxy/.well-known/jwks.json"
        );

        self.get(&path).await
    }

    /// A path of the API server, as text.
    async fn get(&self, path: &str) -> Result<String> {
        let request = http::Request::get(path).body(Vec::new())?;

        self.client
            .request_text(request)
            .await
            .with_context(|| format!("failed to get {path}"))
    }

    async fn prepare(&self) -> Result<()> {
        let left = ListParams::default().labels(&format!("{TEST_LABEL}={}", shared::TEST));
        let namespaces = Api::<Namespace>::all(self.client.clone());
        for namespace in namespaces.list(&left).await? {
            namespaces
                .delete(&namespace.name_any(), &DeleteParams::background())
                .await
                .context("failed to remove what the last run left")?;
        }

        self.install_operator(&[]).await
    }
}

async fn config(settings: &Settings) -> Result<Config> {
    let path = &settings.kubeconfig;
    let kubeconfig = Kubeconfig::read_from(path)
        .with_context(|| format!("failed to read KUBECONFIG {}", path.display()))?;
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(CONNECT_TIMEOUT);
    config.reset_reader_on_write = true;

    Ok(config)
}

/// The sum of every series of `metric` in the text format of Prometheus.
fn sum_of(text: &str, metric: &str) -> Result<u64> {
    text.lines()
        .filter(|line| {
            line.strip_prefix(metric)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        })
        .map(|line| {
            line.rsplit(' ')
                .next()
                .and_then(|value| value.parse::<u64>().ok())
                .with_context(|| format!("not a sample: {line}"))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_of_one_metric_is_counted() {
        let text = "# TYPE writes_total counter\n\
                    writes_total{verb=\"patch\"} 4\n\
                    writes_total{verb=\"create\"} 3\n\
                    writes_total_created 99\n";

        assert_eq!(sum_of(text, "writes_total").unwrap(), 7);
    }
}
