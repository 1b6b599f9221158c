//! What the pods' logs say of requests that were refused for no reason.

use std::fmt::Write as _;

use anyhow::Result;
use kube::ResourceExt;

use crate::Platform;
use crate::chaos::findings::Findings;

/// Of so many refusals: the others are of the same kind.
const REFUSALS: usize = 3;
const REQUEST_ID: &str = r#""requestId":""#;

impl Findings {
    /// The lines of every pod that is left about some of what was refused: who answered is not in the answer.
    pub async fn witnesses(&self, platform: &Platform) -> Result<String> {
        let refusals = self.refusals.iter().take(REFUSALS);
        let ids: Vec<_> = refusals.filter_map(|said| request_id(said)).collect();
        let mut witnesses = String::new();
        if ids.is_empty() {
            return Ok(witnesses);
        }
        for pod in platform.pods().await? {
            let name = pod.name_any();
            let log = platform.namespace.kubectl(&["logs", &name]).await;
            let log = log.unwrap_or_else(|error| format!("no log: {error:#}"));
            for line in log
                .lines()
                .filter(|line| ids.iter().any(|id| line.contains(id)))
            {
                writeln!(witnesses, "{name}: {line}")?;
            }
        }

        Ok(witnesses)
    }
}

fn request_id(said: &str) -> Option<&str> {
    let (_, id) = said.split_once(REQUEST_ID)?;

    id.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_which_request_it_was() {
        let said =
            r#"POST /v1/media answered 404: {"status":404,"requestId":"c212","success":false}"#;

        assert_eq!(request_id(said), Some("c212"));
        assert_eq!(request_id("GET / answered 404: nothing"), None);
    }
}
