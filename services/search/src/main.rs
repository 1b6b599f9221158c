//! The search service's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::start(search::run)
}
