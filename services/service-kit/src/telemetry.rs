//! Logs: one JSON object a line on standard output.

mod line;

use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, registry};

use self::line::{Line, SpanFields};

/// Starts logging; `filter` is a level or `target=level` pairs.
pub fn init(filter: &str) -> Result<(), ParseError> {
    let filter: Targets = filter.parse()?;
    let lines = fmt::layer().fmt_fields(SpanFields).event_format(Line);
    registry().with(filter).with(lines).init();

    Ok(())
}
