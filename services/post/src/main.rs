//! The post service's process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    service_kit::start(post::run).await
}
