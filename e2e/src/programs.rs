//! The programs a person would use on the cluster: `kubectl` and `helm`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

/// Longer than any `--timeout` or `--wait` given to the programs themselves.
const TIMEOUT: Duration = Duration::from_secs(360);

/// Runs `program` against the cluster and returns what it printed; a failure carries what it complained of.
pub async fn run(kubeconfig: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let said = format!("{program} {}", arguments.join(" "));
    let child = Command::new(program)
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(TIMEOUT, child)
        .await
        .with_context(|| format!("`{said}` did not end within {TIMEOUT:?}"))?
        .with_context(|| format!("failed to run `{said}`: is {program} on PATH?"))?;

    if !output.status.success() {
        bail!(
            "`{said}` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }

    String::from_utf8(output.stdout).with_context(|| format!("`{said}` printed no text"))
}
