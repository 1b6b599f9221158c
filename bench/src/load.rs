//! Load, and what became of it: wrk for as much as there can be, oha for a fixed rate.
//!
//! Both keep their connections. wrk costs so little itself that on two cores it leaves most of them to what is measured.
//! oha counts the time a request waited to be sent, so that a stall shows in its percentiles.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;

use crate::cores::Core;

/// Sees to it that a search that takes seconds counts as slow and not as failed.
const ANSWER_WITHIN: &str = "30s";

/// The load tools, and how they are used.
pub struct Tools {
    pub wrk: PathBuf,
    pub oha: PathBuf,
    /// The script that tells wrk what to send.
    pub script: PathBuf,
    pub scratch: PathBuf,
    pub connections: u32,
}

/// One request of a mixture.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub body: Body,
}

#[derive(Debug, Clone)]
pub enum Body {
    None,
    Text(String),
    File(PathBuf),
}

/// What is sent, in random order: the requests, and the headers they all have.
#[derive(Debug, Clone)]
pub struct Mixture {
    pub requests: Vec<Request>,
    pub headers: Vec<(&'static str, String)>,
}

/// What became of a load. Times are until the whole answer was there.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    pub requests: u64,
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// Answers that were refusals or failures, and requests without an answer.
    pub failed: u64,
}

/// What `requests.lua` prints.
#[derive(Deserialize)]
struct Said {
    requests: u64,
    microseconds: u64,
    p50: u64,
    p99: u64,
    refused: u64,
    broken: u64,
}

impl Request {
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            body: Body::None,
        }
    }

    pub fn post(path: impl Into<String>, body: Body) -> Self {
        Self {
            method: "POST",
            path: path.into(),
            body,
        }
    }
}

impl Mixture {
    pub fn of(requests: Vec<Request>) -> Self {
        Self {
            requests,
            headers: Vec::new(),
        }
    }

    pub fn one(request: Request) -> Self {
        Self::of(vec![request])
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// As who has this access token.
    #[must_use]
    pub fn by(self, token: &str) -> Self {
        self.with("Authorization", format!("Bearer {token}"))
    }

    #[must_use]
    pub fn json(self) -> Self {
        self.with("Content-Type", "application/json")
    }
}

impl Tools {
    /// As much load as the connections carry, one request after the other on each.
    pub async fn flood(
        &self,
        url: &str,
        mixture: &Mixture,
        time: Duration,
        core: Core,
    ) -> Result<Outcome> {
        let [headers, requests] = self.files(mixture)?;
        let mut command = Command::from(core.command(&self.wrk));
        command
            .args(["--threads", "1", "--timeout", ANSWER_WITHIN])
            .args(["--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", time.as_secs().max(1))])
            .arg("--script")
            .arg(&self.script)
            .args([url, "--"])
            .args([headers, requests]);
        let said = output(command).await?;
        let json = said.lines().find(|line| line.starts_with('{'));
        let said: Said = serde_json::from_str(json.context("wrk has said nothing")?)?;

        Ok(Outcome {
            requests: said.requests,
            per_second: said.requests as f64 * 1e6 / said.microseconds as f64,
            p50: Duration::from_micros(said.p50),
            p99: Duration::from_micros(said.p99),
            failed: said.refused + said.broken,
        })
    }

    /// So many requests a second, the first of `mixture` only.
    pub async fn pace(
        &self,
        url: &str,
        mixture: &Mixture,
        time: Duration,
        per_second: u32,
    ) -> Result<Outcome> {
        let request = mixture.requests.first().context("nothing to send")?;
        let mut command = Command::new(&self.oha);
        command
            .args([
                "--no-tui",
                "--output-format",
                "json",
                "--latency-correction",
            ])
            .args(["-z", &format!("{}s", time.as_secs().max(1))])
            .args(["-q", &per_second.to_string()])
            .args(["-c", &self.connections.to_string()])
            .args(["-m", request.method]);
        for (name, value) in &mixture.headers {
            command.args(["-H", &format!("{name}: {value}")]);
        }
        command.arg(format!("{url}{}", request.path));
        let said: Value = serde_json::from_str(&output(command).await?)?;

        paced(&said).context("oha has said something unexpected")
    }

    /// The headers and the requests, as `requests.lua` reads them.
    fn files(&self, mixture: &Mixture) -> Result<[PathBuf; 2]> {
        ensure!(!mixture.requests.is_empty(), "nothing to send");
        let files = ["headers", "requests"].map(|name| self.scratch.join(name));
        let headers = mixture.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        let requests: Vec<_> = mixture.requests.iter().map(line).collect();
        std::fs::write(&files[0], headers.concat())?;
        std::fs::write(&files[1], requests.concat())?;

        Ok(files)
    }
}

fn line(request: &Request) -> String {
    let body = match &request.body {
        Body::None => String::new(),
        Body::Text(text) => text.clone(),
        Body::File(file) => format!("@{}", file.display()),
    };

    format!("{}\t{}\t{body}\n", request.method, request.path)
}

fn paced(said: &Value) -> Option<Outcome> {
    let codes = said["statusCodeDistribution"].as_object()?;
    let count = |is_good: bool| -> u64 {
        let codes = codes
            .iter()
            .filter(|(code, _)| code.starts_with('2') == is_good);
        codes.filter_map(|(_, count)| count.as_u64()).sum()
    };
    // The end of its time is no failure of whom it asks.
    let errors = said["errorDistribution"].as_object().into_iter().flatten();
    let errors = errors.filter(|(what, _)| !what.contains("deadline"));
    let percentile = |name: &str| {
        let seconds = said["latencyPercentiles"][name].as_f64()?;
        Some(Duration::from_secs_f64(seconds))
    };

    Some(Outcome {
        requests: count(true) + count(false),
        per_second: said["summary"]["requestsPerSec"].as_f64()?,
        p50: percentile("p50")?,
        p99: percentile("p99")?,
        failed: count(false) + errors.filter_map(|(_, count)| count.as_u64()).sum::<u64>(),
    })
}

async fn output(mut command: Command) -> Result<String> {
    let program = command.as_std().get_program().display().to_string();
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("failed to start {program}"))?;
    ensure!(
        output.status.success(),
        "{program} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );

    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_oha_says_is_read() {
        let said = json!({
            "summary": { "requestsPerSec": 199.5 },
            "latencyPercentiles": { "p50": 0.001, "p99": 0.0025 },
            "statusCodeDistribution": { "200": 990, "503": 5 },
            "errorDistribution": { "aborted due to deadline": 3, "connection refused": 2 },
        });
        let outcome = paced(&said).expect("read");

        assert_eq!((outcome.requests, outcome.failed), (995, 7));
        assert_eq!(outcome.p99, Duration::from_micros(2500));
    }

    #[test]
    fn a_request_is_a_line() {
        let request = Request::post("/v1/posts", Body::Text(r#"{"content":"x"}"#.into()));

        assert_eq!(line(&request), "POST\t/v1/posts\t{\"content\":\"x\"}\n");
        assert_eq!(line(&Request::get("/")), "GET\t/\t\n");
    }
}
