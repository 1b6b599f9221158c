//! From nothing said to a platform that answers.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use e2e::platform::{NAME, life_of};
use e2e::{Platform, in_namespace};
use operator_api::names::gateway_url;

const COLUMNS: [&str; 7] = [
    "NAME", "READY", "REASON", "PROGRESS", "VERSION", "URL", "AGE",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn an_empty_spec_becomes_a_platform_whose_first_request_succeeds() -> Result<()> {
    in_namespace("ready", async |namespace| {
        let began = Instant::now();
        let platform = Platform::with_defaults(namespace).await?;
        let waited_for = format!("socialplatform/{NAME}");
        let wait = ["wait", "--for=condition=Ready", "--timeout=240s"];
        namespace
            .kubectl(&[wait.as_slice(), &[&waited_for]].concat())
            .await?;
        platform
            .first_request()
            .await
            .context("the platform is Ready but its first request failed")?;
        println!(
            "from `kubectl apply` of an empty spec to the first 200: {:.1} s",
            began.elapsed().as_secs_f64()
        );

        let table = namespace.kubectl(&["get", "sp", NAME]).await?;
        columns_are_shown(&table, namespace)?;
        for pod in platform.pods().await? {
            let (name, _, restarts) = life_of(&pod);
            ensure!(restarts == 0, "{name} was restarted {restarts} times");
        }

        Ok(())
    })
    .await
}

/// `kubectl` separates columns by at least three spaces; a value may have single ones.
fn columns_are_shown(table: &str, namespace: &e2e::Namespace) -> Result<()> {
    let mut lines = table.lines();
    let head: Vec<_> = lines.next().unwrap_or_default().split("   ").collect();
    let head: Vec<_> = head
        .iter()
        .map(|column| column.trim())
        .filter(|column| !column.is_empty())
        .collect();
    ensure!(head == COLUMNS, "`kubectl get sp` shows {head:?}");

    let row = lines.next().unwrap_or_default();
    let row: Vec<_> = row
        .split("   ")
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .collect();
    let version = &namespace.cluster.settings.version;
    let url = gateway_url(&namespace.name, NAME);
    let wanted = [NAME, "True", "Ready", "8 of 8", version, &url];
    ensure!(
        row.len() == COLUMNS.len() && row[..6] == wanted,
        "`kubectl get sp` shows {row:?}, expected {wanted:?} and an age"
    );

    Ok(())
}
