//! Standard output, on a thread of its own.
//!
//! To write a line costs more than to make it, and takes as long as whoever reads it likes. So requests leave their
//! lines here, and the thread writes what has gathered every few milliseconds. Lines that nobody takes are lost rather
//! than waited for, and the next one says how many.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long lines gather before they are written.
const GATHER: Duration = Duration::from_millis(10);
/// More than this does not wait to be written.
const MAX_BYTES: usize = 1024 * 1024;
/// As much memory is kept between two times; a crowd of requests may need more.
const KEPT_BYTES: usize = 16 * 1024;

/// Where lines are left. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Output(Arc<Shared>);

/// Writes what is left at the [`Output`] until it is dropped, all of it.
pub struct Writing {
    output: Output,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    lines: Mutex<Lines>,
    arrived: Condvar,
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// How many there was no room for.
    lost: u64,
    is_awaited: bool,
    is_over: bool,
}

impl Output {
    /// Begins to write to `to`.
    pub fn start(&self, mut to: impl Write + Send + 'static) -> io::Result<Writing> {
        let output = self.clone();
        let thread = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || while output.write_to(&mut to) {})?;

        Ok(Writing {
            output: self.clone(),
            thread: Some(thread),
        })
    }

    /// Waits for lines and writes them; false when there will be no more.
    fn write_to(&self, to: &mut impl Write) -> bool {
        let mut lines = self.lines();
        while lines.bytes.is_empty() && !lines.is_over {
            lines.is_awaited = true;
            lines = self.wait(lines);
        }
        lines.is_awaited = false;
        if !lines.is_over {
            // Nobody tells of a line now; only of the end.
            let gathered = self
                .0
                .arrived
                .wait_timeout_while(lines, GATHER, |lines| !lines.is_over);
            (lines, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        }
        let mut bytes = mem::take(&mut lines.bytes);
        let lost = mem::take(&mut lines.lost);
        let is_over = lines.is_over;
        drop(lines);

        if lost > 0 {
            let line = format!(
                "{{\"level\":\"WARN\",\"message\":\"lost {lost} lines that nobody read in time\"}}\n"
            );
            bytes.extend_from_slice(line.as_bytes());
        }
        // Where standard output is closed there is nowhere left to say so.
        let _ = to.write_all(&bytes).and_then(|()| to.flush());
        self.give_back(bytes);

        !is_over
    }

    /// Keeps the memory of what was written for what comes.
    fn give_back(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        bytes.shrink_to(KEPT_BYTES);
        let mut lines = self.lines();
        if lines.bytes.is_empty() {
            lines.bytes = bytes;
        }
    }

    fn wait<'a>(&self, lines: MutexGuard<'a, Lines>) -> MutexGuard<'a, Lines> {
        let waited = self.0.arrived.wait(lines);

        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a whole line at a time, which is how the formatter writes.
impl Write for Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.lines();
        if lines.bytes.len() + line.len() > MAX_BYTES {
            lines.lost += 1;
            return Ok(line.len());
        }
        lines.bytes.extend_from_slice(line);
        let is_awaited = mem::take(&mut lines.is_awaited);
        drop(lines);
        if is_awaited {
            self.0.arrived.notify_one();
        }

        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.output.lines().is_over = true;
        self.output.0.arrived.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic on it has been printed.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Takes one write for each that is asked for.
    struct Pipe(SyncSender<String>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.send(text).map_err(io::Error::other)?;

            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn pipe() -> (Output, Writing, Receiver<String>) {
        let (pipe, read) = sync_channel(0);
        let output = Output::default();
        let writing = output.start(Pipe(pipe)).expect("a thread");

        (output, writing, read)
    }

    #[test]
    fn every_line_is_written_before_the_end() {
        let (mut output, writing, read) = pipe();
        let reader = thread::spawn(move || read.into_iter().collect::<String>());
        for line in ["one\n", "two\n", "three\n"] {
            output.write_all(line.as_bytes()).expect("taken");
        }
        drop(writing);

        let read = reader.join().expect("all that was written");
        assert_eq!(read, "one\ntwo\nthree\n");
    }

    #[test]
    fn nobody_waits_for_who_does_not_read() {
        let (mut output, writing, read) = pipe();
        let line = [b'x'; MAX_BYTES / 4];
        // The first four may be on their way already, and as many wait.
        for _ in 0..16 {
            output.write_all(&line).expect("taken or lost");
        }
        let reader = thread::spawn(move || read.into_iter().collect::<String>());
        drop(writing);

        let read = reader.join().expect("all that was written");
        assert!(
            read.contains("lines that nobody read in time"),
            "{}",
            read.len()
        );
        assert!(read.len() < 3 * MAX_BYTES);
    }
}
