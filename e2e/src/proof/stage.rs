//! Where the operator under test runs: a pod with the rights, the settings and the name service of the chart's own, in
//! which the operator's image is unpacked and a shell starts and kills the program. That takes milliseconds, where a
//! kubelet takes seconds, and waits longer after each time.
//!
//! The chart's operator is away meanwhile, so tests on a stage run alone.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod, ServiceAccount};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};
use serde_json::{Value, json};

use super::operator::Operator;
use super::proxy::Proxy;
use super::snapshot::Kinds;
use crate::cluster::OPERATOR_NAMESPACE;
use crate::namespace::{OPERATOR, outcome_within};
use crate::wait::{Look, until};
use crate::{Cluster, Namespace};

/// What the chart calls all of its objects.
const NAME: &str = "socialplatform-operator";
const POD: &str = "operator-under-test-";

const STARTED_WITHIN: Duration = Duration::from_secs(60);
const TOKEN_SECONDS: i64 = 2 * 60 * 60;
/// Where the operator's image is unpacked, as the node and as the pod see it.
const ROOT_ON_NODE: &str = "/run/socialplatform-proof";
pub(super) const ROOT: &str = "/host/run/socialplatform-proof";
/// Of the stores' images the one that has a shell and `chroot` however the cluster was made.
const SHELL_IMAGE: &str = "docker.io/library/rabbitmq:4.0";

/// The cluster without the chart's operator, and an operator under test that nobody started yet.
pub struct Stage {
    pub cluster: Cluster,
    pub kinds: Kinds,
    pub operator: Operator,
}

/// Runs a test with an operator of its own while no other test runs.
pub async fn on_stage(
    test: &str,
    limit: Duration,
    body: impl AsyncFnOnce(&mut Stage) -> Result<()>,
) -> Result<()> {
    let _operator = OPERATOR.write().await;
    let cluster = Cluster::with_operator().await?;
    let replicas = scale(&cluster, 0).await?;
    let outcome = outcome_within(limit, async {
        let mut stage = Stage::open(&cluster).await?;
        let outcome = body(&mut stage).await;
        if outcome.is_err() {
            println!("{test}: {}", stage.operator.report());
        }
        outcome
    })
    .await;
    close(&cluster).await?;
    scale(&cluster, replicas).await?;

    outcome
}

impl Stage {
    async fn open(cluster: &Cluster) -> Result<Self> {
        let (pod, command) = start_pod(cluster).await?;
        let proxy = Proxy::start(
            client_without_rights(cluster).await?,
            cluster.client.clone(),
            address_of_node(cluster).await?,
        )
        .await?;
        let kubeconfig = kubeconfig(&proxy, &token(cluster).await?).to_string();

        Ok(Self {
            cluster: cluster.clone(),
            kinds: Kinds::of(cluster).await?,
            operator: Operator::prepare(cluster, &pod, &command, &kubeconfig, proxy).await?,
        })
    }

    /// A namespace that the operator under test looks at, and nowhere else.
    pub async fn namespace(&self, test: &str) -> Result<Namespace> {
        let namespace = Namespace::create(self.cluster.clone(), test).await?;
        self.operator.proxy.look_at(&namespace.name);

        Ok(namespace)
    }
}

/// Ends the chart's operator, or starts it again, waits until that is so, and returns how many there were.
async fn scale(cluster: &Cluster, replicas: i32) -> Result<i32> {
    let deployments = cluster.api::<Deployment>(OPERATOR_NAMESPACE);
    let before = deployments.get(NAME).await?.spec;
    let change = json!({ "spec": { "replicas": replicas } });
    deployments
        .patch(NAME, &PatchParams::default(), &Patch::Merge(&change))
        .await
        .context("failed to scale the chart's operator")?;
    until(
        "the chart's operator to follow",
        STARTED_WITHIN,
        async || {
            let running = pods_named(cluster, &format!("{NAME}-")).await?.len();
            let status = deployments.get(NAME).await?.status.unwrap_or_default();
            let ready = status.ready_replicas.unwrap_or_default();
            let is_so = i32::try_from(running)? == replicas && ready == replicas;

            Ok(Look::when(is_so, || {
                format!("{running} pods, {ready} ready")
            }))
        },
    )
    .await?;

    Ok(before.and_then(|spec| spec.replicas).unwrap_or(1))
}

/// Removes the pod, and with it the operator under test.
async fn close(cluster: &Cluster) -> Result<()> {
    for pod in pods_named(cluster, POD).await? {
        cluster
            .api::<Pod>(OPERATOR_NAMESPACE)
            .delete(&pod, &DeleteParams::default().grace_period(0))
            .await
            .with_context(|| format!("failed to remove {pod}"))?;
    }

    release(cluster).await
}

/// The names of the pods of the operator's namespace that begin like this.
async fn pods_named(cluster: &Cluster, beginning: &str) -> Result<Vec<String>> {
    let pods = cluster.api::<Pod>(OPERATOR_NAMESPACE);
    let pods = pods.list(&ListParams::default()).await?.items;
    let mut names: Vec<_> = pods.iter().map(ResourceExt::name_any).collect();
    names.retain(|name| name.starts_with(beginning));

    Ok(names)
}

/// A Lease of an operator that was killed runs out after a while. These tests are not about that while.
pub(super) async fn release(cluster: &Cluster) -> Result<()> {
    let leases = cluster.api::<Lease>(OPERATOR_NAMESPACE);
    let all = ListParams::default();
    leases
        .delete_collection(&DeleteParams::default(), &all)
        .await?;

    Ok(())
}

/// Starts the pod and returns its name and the operator's command.
async fn start_pod(cluster: &Cluster) -> Result<(String, Vec<String>)> {
    let chart = cluster
        .api::<Deployment>(OPERATOR_NAMESPACE)
        .get(NAME)
        .await?;
    let template = serde_json::to_value(chart.spec.context("a Deployment has a spec")?.template)?;
    let container = &template["spec"]["containers"][0];
    let image = container["image"]
        .as_str()
        .context("the operator has an image")?;
    let mut command = Vec::new();
    for part in ["command", "args"] {
        let words = container[part].as_array().into_iter().flatten();
        command.extend(words.filter_map(Value::as_str).map(str::to_owned));
    }

    let pods = cluster.api::<Pod>(OPERATOR_NAMESPACE);
    let pod = serde_json::from_value(pod(&template))?;
    let name = pods.create(&PostParams::default(), &pod).await?.name_any();
    until(
        "a pod for the operator under test",
        STARTED_WITHIN,
        async || {
            let status = pods.get(&name).await?.status.unwrap_or_default();
            let phase = status.phase.unwrap_or_default();

            Ok(Look::when(phase == "Running", || {
                format!("{name} is {phase}")
            }))
        },
    )
    .await?;
    let unpack = format!(
        "mkdir -p {ROOT} && chroot /host sh -ec '\
           ctr -n k8s.io images unmount --rm {ROOT_ON_NODE} >/dev/null 2>&1 || true\n\
           ctr -n k8s.io images mount --rw {image} {ROOT_ON_NODE} >&2'\n\
         mkdir -p {ROOT}/etc {ROOT}/tmp && cp /etc/resolv.conf {ROOT}/etc/resolv.conf"
    );
    let exec = ["exec", "--namespace", OPERATOR_NAMESPACE, &name, "--"];
    let shell = ["sh", "-ec", &unpack];
    cluster
        .kubectl(&[&exec[..], &shell[..]].concat())
        .await
        .context("failed to unpack the operator's image")?;

    Ok((name, command))
}

/// The chart's pod with a shell in the operator's place.
fn pod(template: &Value) -> Value {
    let container = &template["spec"]["containers"][0];

    json!({
        "metadata": {
            "generateName": POD,
            "labels": template["metadata"]["labels"],
        },
        "spec": {
            "serviceAccountName": template["spec"]["serviceAccountName"],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "operator",
                "image": SHELL_IMAGE,
                "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "infinity"],
                "env": container["env"],
                "securityContext": { "privileged": true, "runAsUser": 0 },
                "volumeMounts": [{ "name": "node", "mountPath": "/host" }],
            }],
            "volumes": [{ "name": "node", "hostPath": { "path": "/" } }],
        },
    })
}

async fn token(cluster: &Cluster) -> Result<String> {
    let request = json!({ "spec": { "audiences": [], "expirationSeconds": TOKEN_SECONDS } });
    let request: TokenRequest = serde_json::from_value(request)?;
    let accounts = cluster.api::<ServiceAccount>(OPERATOR_NAMESPACE);
    let token = accounts
        .create_token_request(NAME, &PostParams::default(), &request)
        .await?;

    Ok(token.status.context("a token was asked for")?.token)
}

/// Leads to the proxy, with the operator's own rights.
fn kubeconfig(proxy: &Proxy, token: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "proof",
        "contexts": [{ "name": "proof", "context": { "cluster": "proof", "user": "proof" } }],
        "clusters": [{ "name": "proof", "cluster": { "server": format!("http://{}", proxy.address) } }],
        "users": [{ "name": "proof", "user": { "token": token } }],
    })
}

async fn client_without_rights(cluster: &Cluster) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(&cluster.settings.kubeconfig)?;
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.auth_info = Default::default();
    config.default_retry = false;

    Ok(Client::try_from(config)?)
}

async fn address_of_node(cluster: &Cluster) -> Result<IpAddr> {
    let nodes = Api::<Node>::all(cluster.client.clone());
    let nodes = nodes.list(&ListParams::default()).await?.items;
    let addresses = nodes
        .into_iter()
        .filter_map(|node| node.status?.addresses)
        .flatten();
    for address in addresses {
        if address.type_ == "InternalIP" && !address.address.contains(':') {
            return Ok(address.address.parse()?);
        }
    }

    bail!("the cluster's node has no address")
}
