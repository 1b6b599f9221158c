//! Which core of the machine a program runs on.

use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

/// Where a program may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Core {
    Any,
    /// One core of its own, as the program under test in a comparison.
    First,
    /// The core of whoever asks and answers it.
    Second,
}

impl Core {
    /// A command that runs `program` here. On a machine with one core there is nothing to choose.
    pub fn command(self, program: &Path) -> Command {
        let number = match self {
            Self::Any => None,
            Self::First => Some("0"),
            Self::Second => Some("1"),
        };
        match number.filter(|_| cores() > 1) {
            None => Command::new(program),
            Some(number) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", number]).arg(program);
                command
            }
        }
    }
}

/// How many there are. One is what is left to assume when the system does not say.
pub fn cores() -> usize {
    available_parallelism().map_or(1, Into::into)
}
