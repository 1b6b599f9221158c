//! Prints a first conversation with a platform: `converse http://127.0.0.1:8080`. Ends with 1 at the first surprise.

use std::process::ExitCode;

use clap::Parser;
use e2e::PublicApi;
use e2e::conversation::{Step, conversation};

/// Holds a first conversation with a platform and prints it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the platform's gateway answers, such as <http://127.0.0.1:8080>.
    url: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { url } = Arguments::parse();
    let outcome = match PublicApi::at(&url) {
        Ok(api) => conversation(&api, print).await,
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        eprintln!("converse: {error:#}");
        return ExitCode::FAILURE;
    }

    ExitCode::SUCCESS
}

fn print(step: Step) {
    let Step {
        method,
        path,
        status,
        shown,
    } = step;
    println!("{method:6} {path:48} {status}  {shown}");
}
