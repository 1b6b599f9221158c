//! The search service's process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    service_kit::start(search::run).await
}
