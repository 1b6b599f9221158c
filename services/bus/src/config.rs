//! Where the broker is, and what the names on it begin with.

use clap::Args;
use secrecy::SecretString;

const MAX_NAMESPACE_BYTES: usize = 100;

/// What a service that publishes or follows events is told.
#[derive(Debug, Clone, Args)]
pub struct BusConfig {
    /// Connection string of RabbitMQ, credentials included.
    #[arg(long, env = "RABBITMQ_URL", hide_env_values = true)]
    pub rabbitmq_url: SecretString,

    /// What the names of the exchange and of every queue begin with.
    #[arg(long, env = "EVENTS_NAMESPACE", default_value = "social", value_parser = namespace)]
    pub events_namespace: String,
}

/// The connection string cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not a URL, or not one of plain AMQP.
    // The parser's own message may quote the string, credentials included, so it is not passed on.
    #[error("RABBITMQ_URL is not an amqp:// connection string")]
    Url,
}

fn namespace(text: &str) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.is_empty() || text.len() > MAX_NAMESPACE_BYTES || !text.bytes().all(is_name) {
        return Err(format!(
            "1 to {MAX_NAMESPACE_BYTES} letters, digits, hyphens, underscores and dots are allowed"
        ));
    }

    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_a_plain_name() {
        assert_eq!(namespace("social"), Ok("social".to_owned()));
        for bad in ["", "a b", "a#", &"a".repeat(101)] {
            assert!(namespace(bad).is_err(), "{bad}");
        }
    }
}
