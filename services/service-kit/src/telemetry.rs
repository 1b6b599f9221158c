//! Logs: one JSON object a line on standard output.

mod line;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use self::line::{Line, SpanFields};

/// Starts logging; `filter` is a level or `target=level` pairs.
pub fn init(filter: &str) -> Result<(), ParseError> {
    tracing_subscriber::fmt()
        .fmt_fields(SpanFields)
        .event_format(Line)
        .with_env_filter(EnvFilter::try_new(filter)?)
        .init();

    Ok(())
}
