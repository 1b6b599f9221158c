//! The cluster's node, where programs are killed and ways between pods are cut as nobody in a pod could.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use operator_api::Component;
use serde_json::json;

use crate::wait::{Look, until};
use crate::{Cluster, Platform};

/// Pods in a test's own namespace are held to the `restricted` standard; one that is root of its node is not.
const NAMESPACE: &str = "kube-system";
/// The image is on the node already.
const STARTED_WITHIN: Duration = Duration::from_secs(60);
/// Longer than the post service waits for a confirm (2 s) and for an answer of MongoDB (4 s), and shorter than a
/// connection to the broker may be silent (20 s): what is lost is lost on connections that go on.
const CUT_SECONDS: u32 = 8;

/// Fails when the rules held nothing back: then there was no cut.
const HELD_BACK: &str = "iptables -w -nvxL FORWARD | grep DROP | grep -vq '^ *0 '";

/// A root shell on the one node of the cluster.
pub struct NodeShell {
    cluster: Cluster,
    pod: String,
}

impl NodeShell {
    /// Opens it in a pod of its own, which ends by itself after `limit`.
    pub async fn open(platform: &Platform, limit: Duration) -> Result<Self> {
        let cluster = platform.namespace.cluster.clone();
        let nodes = Api::<Node>::all(cluster.client.clone());
        let nodes = nodes.list(&ListParams::default()).await?.items.len();
        ensure!(
            nodes == 1,
            "faults are made on one node, and the cluster has {nodes}"
        );
        let pods = cluster.api::<Pod>(NAMESPACE);
        let pod = pod(&image(platform).await?, limit)?;
        let pod = pods.create(&PostParams::default(), &pod).await?.name_any();
        until("a shell on the node", STARTED_WITHIN, async || {
            let status = pods.get(&pod).await?.status.unwrap_or_default();
            let phase = status.phase.unwrap_or_default();

            Ok(Look::when(phase == "Running", || {
                format!("{NAMESPACE}/{pod} is {phase}")
            }))
        })
        .await?;

        Ok(Self { cluster, pod })
    }

    pub async fn close(self) -> Result<()> {
        self.cluster
            .api::<Pod>(NAMESPACE)
            .delete(&self.pod, &DeleteParams::default().grace_period(0))
            .await
            .context("failed to close the shell on the node")?;

        Ok(())
    }

    /// Ends the containers of these pods at once: without a signal they could heed, and without a second to do so, which
    /// is the least a kubelet gives.
    pub async fn kill(&self, pods: &[Pod]) -> Result<()> {
        self.run(&each_container(pods, "kill -s SIGKILL")?).await
    }

    /// Stops the programs of these pods in the middle of what they do, until [`NodeShell::resume`]. They do not notice.
    pub async fn pause(&self, pods: &[Pod]) -> Result<()> {
        self.run(&each_container(pods, "pause")?).await
    }

    pub async fn resume(&self, pods: &[Pod]) -> Result<()> {
        self.run(&each_container(pods, "resume")?).await
    }

    /// Has pods do nothing until they are woken. What is executed in them is not held up.
    pub async fn put_to_sleep(&self, pods: &[Pod]) -> Result<()> {
        self.run(&each_container(pods, "kill -s SIGSTOP")?).await
    }

    /// Ends some pods a moment after others go on.
    pub async fn wake_and_kill(&self, asleep: &[Pod], killed: &[Pod]) -> Result<()> {
        let wake = each_container(asleep, "kill -s SIGCONT")?;
        let kill = each_container(killed, "kill -s SIGKILL")?;

        self.run(&(wake + &kill)).await
    }

    /// Lets nothing pass between the pods of two components for some seconds, in neither direction. The node itself
    /// mends the way again, also when nobody is left who would tell it to.
    pub async fn cut(&self, ones: &[Pod], others: &[Pod]) -> Result<()> {
        let mut rules = Vec::new();
        for one in ones {
            for other in others {
                let (one, other) = (address(one)?, address(other)?);
                rules.push(format!("FORWARD -s {one} -d {other} -j DROP"));
                rules.push(format!("FORWARD -s {other} -d {one} -j DROP"));
            }
        }
        ensure!(!rules.is_empty(), "there is no way to cut");
        let each = |verb: &str| {
            rules
                .iter()
                .map(|rule| format!("iptables -w {verb} {rule}\n"))
                .collect::<String>()
        };
        let (cut, mend) = (each("-I"), each("-D"));

        self.run(&format!(
            "trap 'set +e\n{mend}' EXIT\n{cut}sleep {CUT_SECONDS}\n{HELD_BACK}\n"
        ))
        .await
    }

    /// Runs a script, which ends with its first command that fails.
    async fn run(&self, script: &str) -> Result<()> {
        let exec = ["exec", "--namespace", NAMESPACE, &self.pod, "--"];
        let shell = ["chroot", "/host", "sh", "-ec", script];
        self.cluster.kubectl(&[exec, shell].concat()).await?;

        Ok(())
    }
}

/// The broker's: of the stores' images the one that has `sleep` and `chroot` however the cluster was made.
async fn image(platform: &Platform) -> Result<String> {
    let pods = platform.pods_of(Component::RabbitMq).await?;
    let containers = pods
        .first()
        .and_then(|pod| pod.spec.as_ref())
        .map(|spec| spec.containers.as_slice());
    let container = containers.and_then(|containers| containers.first());
    let image = container.and_then(|container| container.image.clone());

    image.context("the broker has no pod with an image")
}

fn pod(image: &str, limit: Duration) -> Result<Pod> {
    let pod = json!({
        "metadata": { "generateName": "e2e-chaos-" },
        "spec": {
            "hostNetwork": true,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": limit.as_secs(),
            "automountServiceAccountToken": false,
            "tolerations": [{ "operator": "Exists" }],
            "containers": [{
                "name": "shell",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "infinity"],
                "securityContext": { "privileged": true, "runAsUser": 0 },
                "volumeMounts": [{ "name": "node", "mountPath": "/host" }],
            }],
            "volumes": [{ "name": "node", "hostPath": { "path": "/" } }],
        },
    });

    Ok(serde_json::from_value(pod)?)
}

/// A script that has containerd do something with every container of these pods.
fn each_container(pods: &[Pod], verb: &str) -> Result<String> {
    let containers = pods.iter().flat_map(containers);
    let script: String = containers
        .map(|container| format!("ctr -n k8s.io tasks {verb} {container}\n"))
        .collect();
    ensure!(!script.is_empty(), "there is no container to {verb}");

    Ok(script)
}

/// The ids of a pod's containers, as containerd knows them.
fn containers(pod: &Pod) -> Vec<String> {
    let statuses = pod
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.as_deref())
        .unwrap_or_default();

    statuses
        .iter()
        .filter_map(|status| {
            status
                .container_id
                .as_deref()?
                .strip_prefix("containerd://")
        })
        .map(str::to_owned)
        .collect()
}

fn address(pod: &Pod) -> Result<&str> {
    let status = pod.status.as_ref();
    let address = status.and_then(|status| status.pod_ip.as_deref());

    address.with_context(|| format!("{} has no address", pod.name_any()))
}
