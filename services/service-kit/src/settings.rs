//! Settings: read once at start from flags and environment; a bad one ends the start with one sentence.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser};
use token::Scope;

/// What every service is told.
#[derive(Debug, Clone, Args)]
pub struct ServerConfig {
    /// Address and port of the service's API.
    #[arg(long, env = "LISTEN_ADDRESS", default_value = "0.0.0.0:8080")]
    pub listen_address: SocketAddr,

    /// Address and port of health, readiness and metrics.
    #[arg(long, env = "ADMIN_ADDRESS", default_value = "0.0.0.0:9090")]
    pub admin_address: SocketAddr,

    /// What is logged: a level, or `target=level` pairs.
    #[arg(long, env = "LOG_FILTER", default_value = "info")]
    pub log_filter: String,

    /// How long requests in flight may take to finish once the service is asked to stop, in seconds.
    #[arg(long, env = "DRAIN_SECONDS", default_value_t = 20)]
    pub drain_seconds: u64,

    /// How long a request may take until its answer begins, in seconds.
    #[arg(long, env = "REQUEST_TIMEOUT_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub request_timeout_seconds: u64,

    /// How many requests are worked on at once; those above are refused with 503.
    #[arg(long, env = "MAX_CONCURRENT_REQUESTS", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub max_concurrent_requests: u32,
}

/// What a service that checks access tokens is told.
#[derive(Debug, Clone, Args)]
pub struct TokenConfig {
    /// File with the public keys, a JSON Web Key Set.
    #[arg(long, env = "TOKEN_KEYS_FILE")]
    pub token_keys_file: PathBuf,

    /// The `iss` a token must have.
    #[arg(long, env = "TOKEN_ISSUER")]
    pub token_issuer: String,

    /// The `aud` a token must have.
    #[arg(long, env = "TOKEN_AUDIENCE")]
    pub token_audience: String,
}

/// A setting that names something unusable.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    #[error("failed to read {}, named by {setting}", path.display())]
    File {
        setting: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },

    #[error("failed to use {}, named by TOKEN_KEYS_FILE", path.display())]
    Keys {
        path: PathBuf,
        #[source]
        source: token::KeyError,
    },
}

impl TokenConfig {
    pub fn scope(&self) -> Scope {
        Scope {
            issuer: self.token_issuer.clone(),
            audience: self.token_audience.clone(),
        }
    }
}

/// The text of a file that `setting` names.
pub fn read_file(setting: &'static str, path: &PathBuf) -> Result<String, SettingError> {
    std::fs::read_to_string(path).map_err(|source| SettingError::File {
        setting,
        path: path.clone(),
        source,
    })
}

/// The settings of this process, or the exit code to end with once the reason is on standard error.
///
/// Asking for help or the version is answered on standard output.
pub fn parse<C: Parser>() -> Result<C, ExitCode> {
    C::try_parse().map_err(|error| {
        if matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        ) {
            print!("{error}");
            return ExitCode::SUCCESS;
        }
        eprintln!("{}", sentence::<C>(&error));
        ExitCode::from(2)
    })
}

/// One sentence that names the setting at fault.
fn sentence<C: CommandFactory>(error: &clap::Error) -> String {
    let command = C::command();
    let name = command.get_name();
    // clap names an argument as `--mongodb-url <MONGODB_URL>`; people set the environment variable.
    let setting = |argument: &str| {
        let flag = argument.split(' ').next().unwrap_or(argument);
        command
            .get_arguments()
            .find(|known| {
                known
                    .get_long()
                    .is_some_and(|long| flag == format!("--{long}"))
            })
            .and_then(|known| known.get_env())
            .map_or_else(
                || flag.to_owned(),
                |env| format!("{} ({flag})", env.to_string_lossy()),
            )
    };

    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(missing))) => {
            let missing: Vec<_> = missing.iter().map(|argument| setting(argument)).collect();
            format!("{name}: missing setting: {}", missing.join(", "))
        }
        (_, Some(ContextValue::String(argument))) => {
            // Settings that are secrets take any text, so what a parser says of a value may be shown.
            let reason = std::error::Error::source(error).map(|source| format!(": {source}"));
            format!(
                "{name}: bad setting: {}{}",
                setting(argument),
                reason.unwrap_or_default()
            )
        }
        _ => format!(
            "{name}: {}",
            error.to_string().lines().next().unwrap_or_default()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "sample")]
    struct Sample {
        #[arg(long, env = "SAMPLE_STORE_URL")]
        store_url: String,

        #[arg(long, env = "SAMPLE_LIMIT", default_value_t = 1)]
        limit: u8,
    }

    fn refusal(arguments: &[&str]) -> String {
        sentence::<Sample>(&Sample::try_parse_from(arguments).expect_err("refused"))
    }

    #[test]
    fn a_missing_setting_is_named() {
        assert_eq!(
            refusal(&["sample"]),
            "sample: missing setting: SAMPLE_STORE_URL (--store-url)"
        );
    }

    #[test]
    fn a_wrong_setting_is_named_with_what_is_wrong() {
        assert_eq!(
            refusal(&["sample", "--store-url", "x", "--limit", "7000"]),
            "sample: bad setting: SAMPLE_LIMIT (--limit): 7000 is not in 0..=255"
        );
    }
}
