//! Deleting a platform leaves its data and what opens it, and the next platform of the name finds both.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use e2e::platform::NAME;
use e2e::{Look, Namespace, Platform, in_namespace, until};
use kube::api::DeleteParams;

const GONE_WITHIN: Duration = Duration::from_secs(120);
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// What every namespace has, and what a platform leaves in it.
const STAYS: [&str; 6] = [
    "configmap/kube-root-ca.crt",
    "persistentvolumeclaim/data-demo-mongodb-0",
    "persistentvolumeclaim/data-demo-rabbitmq-0",
    "persistentvolumeclaim/data-demo-redis-0",
    "secret/demo-credentials",
    "serviceaccount/default",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_deleted_platform_leaves_its_data_and_comes_back_with_it() -> Result<()> {
    in_namespace("deletion", async |namespace| {
        let platform = Platform::exposed(namespace).await?;
        platform.ready().await?;
        let api = platform.public_api()?;
        api.register("ada", EMAIL, PASSWORD).await?.expect(201)?;

        platform
            .resources()
            .delete(NAME, &DeleteParams::background())
            .await?;
        let wanted = BTreeSet::from(STAYS.map(str::to_owned));
        until("everything else to go", GONE_WITHIN, async || {
            let left = everything_in(namespace).await?;
            Ok(Look::when(left == wanted, || {
                let more: Vec<_> = left.difference(&wanted).collect();
                let less: Vec<_> = wanted.difference(&left).collect();
                format!("too many: {more:?}, too few: {less:?}")
            }))
        })
        .await?;

        platform.create().await?;
        platform.ready().await?;
        api.login(EMAIL, PASSWORD).await?.expect(200)?;

        Ok(())
    })
    .await
}

/// Every object of every kind, as `kind/name`. Events tell of the past and are not counted.
async fn everything_in(namespace: &Namespace) -> Result<BTreeSet<String>> {
    let kinds = ["api-resources", "--namespaced", "--verbs=list", "-o=name"];
    let kinds = namespace.kubectl(&kinds).await?;
    let kinds: Vec<_> = kinds
        .lines()
        .filter(|kind| !kind.starts_with("events"))
        .collect();
    let names = namespace
        .kubectl(&["get", "-o=name", &kinds.join(",")])
        .await?;

    Ok(names.lines().map(str::to_owned).collect())
}
