//! The post service's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::start(post::run)
}
