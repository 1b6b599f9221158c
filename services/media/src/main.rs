//! The media service's process.

use std::process::ExitCode;

use media::config::Config;

fn main() -> ExitCode {
    service_kit::start::<Config, _>(media::run)
}
