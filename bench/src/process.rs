//! A program that is measured, and what it uses of the machine.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::cores::Core;

/// Linux counts processor time in ticks of this length for whoever reads `/proc`, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);
const READY_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(2);

/// A running program. It is killed when this is dropped.
pub struct Process {
    pub name: &'static str,
    /// From its start to its first good answer.
    pub ready_after: Duration,
    started: Instant,
    /// What it was started with.
    command: Command,
    child: Child,
    printed: PathBuf,
    /// Where it says whether it is ready.
    ready_url: String,
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub resident: u64,
    /// The most it was since [`Process::forget_peak`].
    pub peak: u64,
}

impl Process {
    /// Starts `program`. What it prints goes to a file in `folder`, as it would go to a pipe in a cluster.
    pub fn start<A: AsRef<OsStr>>(
        name: &'static str,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        settings: &[(&str, String)],
        core: Core,
        folder: &Path,
    ) -> Result<Self> {
        let path = folder.join(format!("{name}.log"));
        let printed = File::create(&path)?;
        let mut command = core.command(program);
        command
            .args(arguments)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(printed.try_clone()?)
            .stderr(printed);
        let started = Instant::now();
        let child = spawn(&mut command)?;

        Ok(Self {
            name,
            ready_after: Duration::ZERO,
            started,
            command,
            child,
            printed: path,
            ready_url: String::new(),
        })
    }

    /// Waits for a good answer at `url`.
    pub async fn ready(mut self, url: &str) -> Result<Self> {
        url.clone_into(&mut self.ready_url);
        self.until_ready().await?;

        Ok(self)
    }

    /// Kills it, as the end of its machine would. It is nothing to measure until it is started again.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;

        Ok(())
    }

    /// Starts it with the settings and addresses it had, and waits until it is ready.
    pub async fn start_again(&mut self) -> Result<()> {
        self.started = Instant::now();
        self.child = spawn(&mut self.command)?;

        self.until_ready().await
    }

    /// The same program with the same settings, for something else than to serve.
    pub fn task(&self, arguments: &[&str]) -> Command {
        let settings = self.command.get_envs();
        let mut command = Command::new(self.command.get_program());
        command
            .args(self.command.get_args())
            .args(arguments)
            .envs(settings.filter_map(|(name, value)| Some((name, value?))));

        command
    }

    async fn until_ready(&mut self) -> Result<()> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        loop {
            let answer = client.get(&self.ready_url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                self.ready_after = self.started.elapsed();
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                let printed = fs::read_to_string(&self.printed)?;
                bail!("{} ended with {status}: {printed}", self.name);
            }
            if self.started.elapsed() > READY_WITHIN {
                bail!("{} is not ready within {READY_WITHIN:?}", self.name);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Processor time used so far, in user mode and in the kernel.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(self.file("stat"))?;
        ticks(&stat)
            .map(|ticks| TICK * ticks)
            .with_context(|| format!("/proc does not tell the time of {}", self.name))
    }

    pub fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(self.file("status"))?;
        let of = |field| {
            kibibytes(&status, field)
                .map(|size| size * 1024)
                .with_context(|| format!("/proc does not tell {field} of {}", self.name))
        };

        Ok(Memory {
            resident: of("VmRSS:")?,
            peak: of("VmHWM:")?,
        })
    }

    /// Lets the peak of memory begin anew.
    pub fn forget_peak(&self) -> Result<()> {
        fs::write(self.file("clear_refs"), "5")
            .with_context(|| format!("failed to reset the peak of memory of {}", self.name))
    }

    fn file(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    command
        .spawn()
        .with_context(|| format!("failed to start {}", command.get_program().display()))
}

/// User and system time of `/proc/<pid>/stat`, its 14th and 15th field; the second, in parentheses, may contain spaces.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;

    Some(user + system)
}

fn kibibytes(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(field))?;

    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_read_behind_a_name_with_spaces() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 3 0 100 1 2";

        assert_eq!(ticks(stat), Some(200));
    }

    #[test]
    fn memory_is_read_in_kibibytes() {
        let status = "Name:\tx\nVmHWM:\t    9000 kB\nVmRSS:\t    8000 kB\n";

        assert_eq!(kibibytes(status, "VmRSS:"), Some(8000));
        assert_eq!(kibibytes(status, "VmHWM:"), Some(9000));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }
}
