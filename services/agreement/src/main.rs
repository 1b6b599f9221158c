//! One of the services, as the name it is called by says, in a process that a test may have die and make mistakes.
//!
//! Built for anything but tests, it is the service and takes no orders.

use std::process::ExitCode;

fn main() -> ExitCode {
    faults::obey();
    match std::env::args().next().as_deref() {
        Some("post") => service_kit::start(post::run),
        Some("media") => service_kit::start(media::run),
        Some("search") => service_kit::start(search::run),
        _ => {
            eprintln!("call it post, media or search");
            ExitCode::FAILURE
        }
    }
}
