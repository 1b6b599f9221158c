//! schemathesis sends the gateway what its description allows and what it forbids, and looks at every answer.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use tokio::process::Command;

use crate::contract::operations;
use crate::loopback::Platform;

/// What it is told, and what it cannot know from the description.
const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis");
/// It takes one minute, or two on a busy machine.
const PATIENCE: Duration = Duration::from_secs(360);

/// How the requests of one operation ended.
#[derive(Debug, Default)]
struct Tested {
    requests: usize,
    successes: usize,
    /// Refused because an earlier request ended the session: nothing else of them was looked at.
    too_late: usize,
}

/// It prints what it does and its summary itself.
#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_wrong_and_every_operation_succeeds() {
    let platform = Platform::start().await;
    let reports = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let _ = fs::remove_dir_all(&reports);
    run(&platform.gateway.url, &reports).await;

    let events = fs::read_to_string(reports.join("events.ndjson")).expect("a report");
    let tested = tested(&events);
    print(&tested);
    for name in operations(&platform.gateway).await.into_keys() {
        let tested = tested.get(&name);
        let is_tested = tested.is_some_and(|it| it.successes > 0 && it.too_late == 0);
        assert!(is_tested, "{name}: {tested:?}");
    }
}

async fn run(platform: &str, reports: &Path) {
    let mut command = Command::new(python());
    command
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(Path::new(SETTINGS).join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{platform}/openapi.json"))
        .args(["--no-color", "--checks", "all", "--report", "ndjson"])
        .arg("--report-ndjson-path")
        .arg(reports.join("events.ndjson"))
        .env("PLATFORM_URL", platform)
        .env("PYTHONPATH", SETTINGS)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .kill_on_drop(true);
    let mut running = command.spawn().expect("schemathesis starts");
    let ended = tokio::time::timeout(PATIENCE, running.wait()).await;
    let status = ended
        .unwrap_or_else(|_| panic!("schemathesis takes longer than {PATIENCE:?}"))
        .expect("schemathesis ends");

    assert!(status.success(), "schemathesis found what stands above");
}

/// The Python that has schemathesis.
fn python() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the test command where its programs are"
    )]
    let path = std::env::var("TEST_SCHEMATHESIS_PYTHON");

    path.expect(
        "TEST_SCHEMATHESIS_PYTHON is not set: run the tests with `make test`, \
         or see `e2e/cluster/cluster schemathesis`",
    )
    .into()
}

/// By method and path of the description, from what schemathesis reports of each request it sent.
fn tested(events: &str) -> BTreeMap<String, Tested> {
    let mut all = BTreeMap::<_, Tested>::new();
    for line in events.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let recorded = &event["ScenarioFinished"]["recorder"];
        let interactions = recorded["interactions"].as_object();
        for (id, interaction) in interactions.into_iter().flatten() {
            let case = &recorded["cases"][id]["value"];
            let part = |name: &str| case[name].as_str().expect("text").to_owned();
            let name = format!("{} {}", part("method"), part("path"));
            let status = interaction["response"]["status_code"].as_u64();
            let tested = all.entry(name).or_default();
            tested.requests += 1;
            tested.successes += usize::from(status.is_some_and(|status| status / 100 == 2));
            tested.too_late += usize::from(body(interaction).contains("\"session_ended\""));
        }
    }

    all
}

/// What was answered, as far as it is text.
fn body(interaction: &Value) -> String {
    let content = interaction["response"]["content"]["$base64"].as_str();
    let content = BASE64.decode(content.unwrap_or_default());

    String::from_utf8_lossy(&content.expect("base64")).into_owned()
}

/// What `println!` would say only when the test fails.
fn print(tested: &BTreeMap<String, Tested>) {
    let mut lines = "Requests and how many of them succeeded:\n".to_owned();
    for (name, tested) in tested {
        if tested.successes > 0 {
            lines += &format!("{:6} {:6}  {name}\n", tested.requests, tested.successes);
        }
    }
    // Nobody to read them is no reason to fail.
    let _ = std::io::stdout().write_all(lines.as_bytes());
}
