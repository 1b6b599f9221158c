//! An operator that is limited to namespaces: it works there, may nothing elsewhere, and has no role of the cluster.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use e2e::cluster::{OPERATOR_NAMESPACE, RELEASE};
use e2e::{Cluster, alone_on_shared_platform};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use crate::install::{account_of, permissions};
use crate::takeover::is_worked_on;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_operator_of_one_namespace_works_there_and_may_nothing_elsewhere() -> Result<()> {
    alone_on_shared_platform("namespaced", async |platform| {
        let cluster = &platform.namespace.cluster;
        let here = &platform.namespace.name;
        let limit = format!("watchNamespaces={{{here}}}");
        cluster.install_operator(&["--set", &limit]).await?;
        let outcome = async {
            let test = ["test", RELEASE, "--namespace", OPERATOR_NAMESPACE];
            cluster.helm(&test).await?;
            is_worked_on(platform).await?;

            let roles = operators_cluster_roles(cluster).await?;
            ensure!(roles.is_empty(), "there is still {roles:?}");
            let account = account_of(&cluster.operator_pod().await?)?;
            ensure!(!extra(cluster, &account, here).await?.is_empty());
            let elsewhere = extra(cluster, &account, "default").await?;
            ensure!(elsewhere.is_empty(), "elsewhere it may {elsewhere:?}");

            Ok(())
        }
        .await;
        cluster.install_operator(&[]).await?;

        outcome
    })
    .await
}

async fn operators_cluster_roles(cluster: &Cluster) -> Result<Vec<String>> {
    let roles = Api::<ClusterRole>::all(cluster.client.clone());
    let ours = ListParams::default().labels("app.kubernetes.io/part-of=socialplatform");
    let roles = roles.list(&ours).await?;

    Ok(roles.iter().map(ResourceExt::name_any).collect())
}

/// What an account may do in a namespace beyond what every account may.
async fn extra(cluster: &Cluster, account: &str, namespace: &str) -> Result<BTreeSet<String>> {
    let nobody = "system:serviceaccount:default:default";
    let everybody = permissions(cluster, nobody, namespace).await?;
    let its_own = permissions(cluster, account, namespace).await?;

    Ok(its_own.difference(&everybody).cloned().collect())
}
