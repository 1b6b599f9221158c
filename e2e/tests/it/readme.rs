//! The README's promises: its sample is a sample, and its conversation is answered as it says.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use e2e::on_shared_platform;
use tokio::process::Command;

const README: &str = include_str!("../../../README.md");
const SAMPLE: &str = include_str!("../../../operator/api/samples/demo.yaml");
const URL: &str = "http://127.0.0.1:8080";

#[test]
fn the_readme_shows_the_sample_as_it_is() {
    let shown = block("## Try it", "yaml").unwrap();
    let sample: String = SAMPLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();

    assert_eq!(shown, sample);
}

/// The commands are pasted into a shell; every status they announce in a comment is the one that comes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn the_conversation_of_the_readme_is_answered_as_it_says() -> Result<()> {
    on_shared_platform("readme", async |platform| {
        let commands = block("## A conversation", "sh")?;
        let announced: Vec<_> = commands
            .lines()
            .filter(|line| line.starts_with("show "))
            .map(|line| line.rsplit("# ").next().and_then(|said| said.get(..3)))
            .collect();
        let commands = commands.replace(URL, platform.public_api()?.url());
        let folder = std::env::temp_dir().join(&platform.namespace.name);
        std::fs::create_dir_all(&folder)?;
        let output = Command::new("bash")
            .args(["-eu", "-c", &commands])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        std::fs::remove_dir_all(&folder)?;

        let said = String::from_utf8_lossy(&output.stdout);
        let answered: Vec<_> = said.lines().filter_map(status).map(Some).collect();
        ensure!(
            output.status.success() && answered == announced,
            "announced {announced:?}, answered {answered:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );

        Ok(())
    })
    .await
}

/// The status in a line such as `200 GET http://127.0.0.1:8080/v1/posts`.
fn status(line: &str) -> Option<&str> {
    let (status, request) = line.split_once(' ')?;
    let (_, url) = request.split_once(' ')?;
    let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());

    (is_status && url.starts_with("http://")).then_some(status)
}

/// The first block of code in `language` after `heading`.
fn block(heading: &'static str, language: &str) -> Result<&'static str> {
    let (_, section) = README.split_once(heading).context(heading)?;
    let opening = format!("```{language}\n");
    let (_, block) = section.split_once(&opening).context(opening)?;
    let (block, _) = block.split_once("```").context("an end of the block")?;

    Ok(block)
}
