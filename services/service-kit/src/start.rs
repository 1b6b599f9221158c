//! The life of a service's process, from its settings to its exit code.

use std::error::Error;
use std::pin::Pin;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::{Listeners, ServerConfig, on_signal, settings, telemetry};

/// All settings of a service, the ones every service has among them.
pub trait Settings: Parser {
    fn server(&self) -> &ServerConfig;

    /// What is to be done instead of serving, if that is what was asked for.
    fn task(&self) -> Option<Task> {
        None
    }
}

/// Work that ends, and prints what there is to say.
pub type Task = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send>>;

/// Runs a service until it is asked to stop, or a task to its end: what each `main` does.
pub fn start<C: Settings, E: Error + 'static>(
    run: impl AsyncFnOnce(C, Listeners, CancellationToken) -> Result<(), E>,
) -> ExitCode {
    let config = match settings::parse::<C>() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return refuse::<C>("its threads cannot be started", &error),
    };
    let Some(task) = config.task() else {
        return runtime.block_on(serve(config, run));
    };

    match runtime.block_on(task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse::<C>("the task failed", &*error),
    }
}

/// As many threads as there are cores. On one core that is this thread: to hand work from one to another would cost time
/// and gain none.
fn runtime() -> std::io::Result<Runtime> {
    let mut builder = match available_parallelism() {
        Ok(cores) if cores.get() == 1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };

    builder.enable_all().build()
}

async fn serve<C: Settings, E: Error + 'static>(
    config: C,
    run: impl AsyncFnOnce(C, Listeners, CancellationToken) -> Result<(), E>,
) -> ExitCode {
    let _writing = match telemetry::init(&config.server().log_filter) {
        Ok(writing) => writing,
        Err(error) => return refuse::<C>("its log cannot be started", &error),
    };
    let listeners = match Listeners::bind(config.server()).await {
        Ok(listeners) => listeners,
        Err(error) => {
            return refuse::<C>("LISTEN_ADDRESS or ADMIN_ADDRESS cannot be bound", &error);
        }
    };
    let shutdown = match on_signal() {
        Ok(shutdown) => shutdown,
        Err(error) => return refuse::<C>("signals cannot be listened to", &error),
    };

    match run(config, listeners, shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse::<C>("the service cannot start", &error),
    }
}

/// Says in one line, cause by cause, why the process ends.
fn refuse<C: Parser>(what: &str, error: &dyn Error) -> ExitCode {
    let mut message = format!("{}: {what}", C::command().get_name());
    let mut cause = Some(error);
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    eprintln!("{message}");

    ExitCode::FAILURE
}
