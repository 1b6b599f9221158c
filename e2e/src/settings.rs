//! What the tests are told by their environment: which cluster, which images, which ports.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result};
use clap::Parser;

/// The registry a platform's images come from when it names none.
pub const DEFAULT_REGISTRY: &str = "docker.io/socialplatform";

/// Read from the environment alone: the test program's own flags belong to its test runner.
#[derive(Debug, Clone, Parser)]
#[command(name = "e2e", no_binary_name = true)]
pub struct Settings {
    /// Where the cluster is and how to speak to it.
    #[arg(long, env = "KUBECONFIG")]
    pub kubeconfig: PathBuf,

    /// Tag of the images under test.
    #[arg(long, env = "E2E_VERSION")]
    pub version: String,

    /// Registry and path the images are under.
    #[arg(long, env = "E2E_REGISTRY", default_value = DEFAULT_REGISTRY)]
    pub registry: String,

    /// Ports of the node that this machine answers, as `nodePort:hostPort,…`.
    #[arg(long, env = "E2E_NODE_PORTS", value_delimiter = ',', required = true)]
    pub node_ports: Vec<NodePort>,

    /// Keep every namespace for a look, not only those of tests that failed.
    #[arg(long, env = "E2E_KEEP", value_parser = clap::builder::FalseyValueParser::new())]
    pub keep: bool,

    /// How long the operator is watched doing nothing, in seconds.
    #[arg(long, env = "E2E_IDLE_SECONDS", default_value_t = 30)]
    pub idle_seconds: u64,

    /// How often the operator that works is killed, to see another take over.
    #[arg(long, env = "E2E_TAKEOVERS", default_value_t = 3)]
    pub takeovers: usize,

    /// Kill the operator after each write, before its answer and after it, and not only as often as there is time for.
    #[arg(long, env = "E2E_PROOF_FULL", value_parser = clap::builder::FalseyValueParser::new())]
    pub proof_full: bool,

    /// What the chaos test takes its choices from. Another one each time if missing; the test prints it.
    #[arg(long, env = "E2E_CHAOS_SEED")]
    pub chaos_seed: Option<u64>,

    /// How many faults befall the platform of the chaos test, one after the other.
    #[arg(long, env = "E2E_CHAOS_FAULTS", default_value_t = 6)]
    pub chaos_faults: usize,

    /// How long the chaos test may take, in seconds.
    #[arg(long, env = "E2E_CHAOS_SECONDS", default_value_t = 1200)]
    pub chaos_seconds: u64,
}

/// A port of the node, and the port of 127.0.0.1 that leads to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodePort {
    pub node: u16,
    pub host: u16,
}

impl Settings {
    pub fn from_environment() -> Result<Self> {
        Self::try_parse_from(std::iter::empty::<&str>())
            .context("the tests need a cluster and its settings: run them with `make e2e`")
    }
}

impl FromStr for NodePort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, host) = text
            .split_once(':')
            .ok_or_else(|| format!("{text} is not nodePort:hostPort"))?;
        let port = |text: &str| text.parse().map_err(|error| format!("{text}: {error}"));

        Ok(Self {
            node: port(node)?,
            host: port(host)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_ports_are_a_list_of_pairs() {
        let arguments = [
            "--kubeconfig=k",
            "--version=v",
            "--node-ports=30080:18080,30081:18081",
        ];
        let settings = Settings::try_parse_from(arguments).unwrap();

        let second = NodePort {
            node: 30081,
            host: 18081,
        };
        assert_eq!(settings.node_ports[1], second);
        assert_eq!(settings.node_ports.len(), 2);
    }

    #[test]
    fn half_a_pair_is_refused() {
        assert_eq!(
            "30080".parse::<NodePort>().unwrap_err(),
            "30080 is not nodePort:hostPort"
        );
    }
}
