//! Logs: one JSON object a line on standard output.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Starts logging; `filter` is a level or `target=level` pairs.
pub fn init(filter: &str) -> Result<(), ParseError> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_env_filter(EnvFilter::try_new(filter)?)
        .init();

    Ok(())
}
