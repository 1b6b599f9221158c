//! The operator's settings: flags or environment, parsed once in `main`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand};
use operator_api::names::is_label_value;
use tracing_subscriber::filter::Targets;

use crate::scope::Scope;

/// Everything the operator can be told. Which cluster it serves comes from its service account or, outside a
/// cluster, from the kubeconfig.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "operator",
    version,
    about = "Keeps SocialPlatform resources running"
)]
pub struct Config {
    /// Image tag of the services of a platform that names no version.
    #[arg(long, env = "PLATFORM_VERSION", default_value = env!("CARGO_PKG_VERSION"), value_parser = image_tag)]
    pub platform_version: String,

    /// Whether platforms that name no version are moved to `PLATFORM_VERSION` when they run another. Left alone, they keep the
    /// version they were made with, so that a new operator restarts nothing.
    #[arg(long, env = "MOVE_VERSIONS", default_value_t = false, action = clap::ArgAction::Set)]
    pub move_versions: bool,

    /// Which events are logged, as `level` or `target=level`, comma-separated.
    #[arg(long, env = "LOG_FILTER", default_value = "info")]
    pub log_filter: Targets,

    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, env = "METRICS_ADDRESS", default_value = "0.0.0.0:9090")]
    pub metrics_address: SocketAddr,

    /// How long a platform that is at rest goes without being looked at. Changes of what is watched are seen at
    /// once; this bounds how long an edited Secret, which is not watched, stays edited.
    #[arg(long, env = "RESYNC_SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(10..=86_400))]
    pub resync_seconds: u64,

    /// Namespaces whose platforms are looked after, comma-separated; empty for those of the whole cluster.
    #[arg(long, env = "WATCH_NAMESPACES", default_value = "")]
    pub watch_namespaces: Scope,

    /// The Lease whose holder works while all others wait. Operators of one Lease are one operator.
    #[arg(long, env = "LEASE_NAME", default_value = "socialplatform-operator", value_parser = NonEmptyStringValueParser::new())]
    pub lease_name: String,

    /// The namespace the operator runs in and the Lease is in. Default: that of the service account or the kubeconfig.
    #[arg(long, env = "POD_NAMESPACE", value_parser = NonEmptyStringValueParser::new())]
    pub pod_namespace: Option<String>,

    /// What the Lease is held by. No other process may go by it; the same one, started again, need not wait for itself.
    /// Default: made up at every start.
    #[arg(long, env = "POD_NAME", value_parser = NonEmptyStringValueParser::new())]
    pub pod_name: Option<String>,

    /// What to do instead of running.
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Say whether the platforms that are to be looked after can be listed, and end.
    Check,
}

impl Config {
    pub fn resync(&self) -> Duration {
        Duration::from_secs(self.resync_seconds)
    }
}

/// Accepts what can be an image's tag and, because pods carry it as a label, a label's value.
fn image_tag(text: &str) -> Result<String, String> {
    if is_label_value(text) {
        Ok(text.to_owned())
    } else {
        Err("a version is an image tag of at most 63 letters, digits, dots, hyphens and underscores".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Config, clap::Error> {
        Config::try_parse_from([&["operator"], arguments].concat())
    }

    #[test]
    fn nothing_has_to_be_set() {
        let config = parse(&[]).unwrap();

        assert_eq!(config.platform_version, env!("CARGO_PKG_VERSION"));
        assert_eq!(config.metrics_address, "0.0.0.0:9090".parse().unwrap());
        assert_eq!(config.resync(), Duration::from_secs(300));
        assert_eq!(config.watch_namespaces, Scope::Cluster);
    }

    #[test]
    fn a_refused_setting_is_named() {
        for (arguments, named) in [
            (["--platform-version", "not a tag"], "--platform-version"),
            (["--platform-version", "1."], "--platform-version"),
            (["--metrics-address", "9090"], "--metrics-address"),
            (["--resync-seconds", "0"], "--resync-seconds"),
            (["--log-filter", "info,x=loud"], "--log-filter"),
            (["--watch-namespaces", "*"], "--watch-namespaces"),
            (["--lease-name", ""], "--lease-name"),
            (["--pod-name", ""], "--pod-name"),
        ] {
            let message = parse(&arguments).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }
}
