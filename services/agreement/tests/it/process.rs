//! A process that takes orders.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use faults::Point;
use reqwest::Client;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// The last lines are what is asked for.
const MAX_LINES: usize = 40;

/// The name of a variable, and its value.
pub type Setting = (&'static str, String);

/// A service that runs until it dies. It is killed when this is dropped.
pub struct Process {
    name: &'static str,
    pub url: String,
    pub admin_url: String,
    child: Child,
    orders: ChildStdin,
    /// Changes with each order that is in force.
    obeyed: watch::Receiver<()>,
    lines: Lines,
}

/// What it said last, for who wonders why it died.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<VecDeque<String>>>);

/// The same program for something else than to serve.
pub fn program(name: &str, settings: &[Setting]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_agreement"));
    program
        .arg0(name)
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);

    program
}

impl Process {
    /// Starts a service that makes a mistake, if it names one, and waits until it listens.
    pub async fn start(name: &'static str, settings: &[Setting], mistake: &str) -> Self {
        let mut child = program(name, settings)
            .env("FAILPOINTS", mistake)
            .env("LISTEN_ADDRESS", "127.0.0.1:0")
            .env("ADMIN_ADDRESS", "127.0.0.1:0")
            .spawn()
            .expect("the program was built");
        let lines = Lines::default();
        let errors = child.stderr.take().expect("it is piped");
        tokio::spawn(lines.clone().read(errors, |_| {}));

        let (obeys, obeyed) = watch::channel(());
        let (listens, mut listening) = watch::channel(None);
        let output = child.stdout.take().expect("it is piped");
        tokio::spawn(lines.clone().read(output, move |line| {
            if line == faults::OBEYED {
                obeys.send_replace(());
            } else if let Some(addresses) = addresses(line) {
                listens.send_replace(Some(addresses));
            }
        }));
        let listening = timeout(PATIENCE, listening.wait_for(Option::is_some)).await;
        let Some([url, admin_url]) = listening.ok().and_then(|told| told.ok()?.clone()) else {
            panic!("{name} does not listen: {lines}");
        };

        Self {
            name,
            url,
            admin_url,
            orders: child.stdin.take().expect("it is piped"),
            obeyed,
            child,
            lines,
        }
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&self) {
        let client = client();
        let url = format!("{}/readyz", self.admin_url);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = client.get(&url).send().await;
            let said = match answer {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            let is_late = Instant::now() > deadline;
            assert!(!is_late, "{} is not ready: {said}{}", self.name, self.lines);
            sleep(POLL).await;
        }
    }

    /// Has it do something at `point` from here on. Who is dying does not hear it.
    pub async fn order(&mut self, point: Point, action: &str) {
        let order = format!("{}={action}\n", point.name());
        let mut obeyed = self.obeyed.clone();
        obeyed.mark_unchanged();
        let order = async {
            self.orders.write_all(order.as_bytes()).await?;
            // An end of the process ends the wait.
            let _ = obeyed.changed().await;
            Ok::<_, std::io::Error>(())
        };
        let heard = timeout(PATIENCE, order).await;
        let heard = heard.unwrap_or_else(|_| panic!("{} does not obey: {}", self.name, self.lines));
        if let Err(error) = heard {
            println!("{} is dead already: {error}", self.name);
        }
    }

    pub fn is_dead(&mut self) -> bool {
        let status = self.child.try_wait().expect("it can be asked");
        status.is_some()
    }

    /// Waits for its end, which somebody has ordered.
    pub async fn dies(&mut self) {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("{} lives: {}", self.name, self.lines));
        assert!(!status.expect("it can be waited for").success());
    }

    /// Has it finish what it has in hand; says whether it did so and did not die.
    pub async fn stop(&mut self) -> bool {
        if let Some(id) = self.child.id() {
            let asked = Command::new("kill").arg(id.to_string()).status().await;
            asked.expect("there is a program `kill`");
        }
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("{} goes on: {}", self.name, self.lines));

        status.expect("it can be waited for").success()
    }

    /// What it said last.
    pub fn last_words(&self) -> String {
        self.lines.to_string()
    }
}

impl Lines {
    /// Reads to the end, and tells of each line.
    async fn read(self, from: impl AsyncRead + Unpin, tell: impl Fn(&str)) {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            tell(&line);
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_back(line);
            if kept.len() > MAX_LINES {
                kept.pop_front();
            }
        }
    }
}

impl std::fmt::Display for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .try_for_each(|line| writeln!(f, "\n    {line}"))
    }
}

/// Where a process says that it listens: its API, and its health and metrics.
fn addresses(line: &str) -> Option<[String; 2]> {
    let line: Value = serde_json::from_str(line).ok()?;
    let url = |name: &str| Some(format!("http://{}", line[name].as_str()?));

    Some([url("address")?, url("admin.address")?])
}

pub fn client() -> Client {
    Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .expect("a client without TLS can always be built")
}
