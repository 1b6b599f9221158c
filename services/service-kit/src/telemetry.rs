//! Logs: one JSON object a line on standard output.

mod line;
mod output;

use std::io;

use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, registry};

use self::line::{Line, SpanFields};
use self::output::Output;
pub use self::output::Writing;

/// Logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to read LOG_FILTER")]
    Filter(#[from] ParseError),

    #[error("failed to start the thread that writes the log")]
    Thread(#[from] io::Error),
}

/// Starts logging, until what is returned is dropped; `filter` is a level or `target=level` pairs.
pub fn init(filter: &str) -> Result<Writing, Error> {
    let filter: Targets = filter.parse()?;
    let output = Output::default();
    let writing = output.start(io::stdout())?;
    let lines = fmt::layer()
        .fmt_fields(SpanFields)
        .event_format(Line)
        .with_writer(output);
    registry().with(filter).with(lines).init();

    Ok(writing)
}
