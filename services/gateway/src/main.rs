//! The gateway's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::start(gateway::run)
}
