//! The operator under test: started, killed and told to stop at will.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::proxy::{Cut, Proxy};
use super::stage::{ROOT, release};
use crate::Cluster;
use crate::cluster::OPERATOR_NAMESPACE;

/// The least that the operator takes, so that what only time heals is healed soon.
pub const RESYNC_SECONDS: u64 = 10;
/// How long the shell may take to do as it is told; a stop may take as long as the operator.
const DONE_WITHIN: Duration = Duration::from_secs(40);
const LOG_LINES: usize = 60;

/// Does one thing for each line it reads, and says so. It ends the operator when nobody listens any more.
const SHELL: &str = r#"
pid=
trap '[ -z "$pid" ] || kill -9 $pid' EXIT
end() { [ -z "$pid" ] || { kill "$1" $pid; wait $pid; pid=; }; } 2>/dev/null
while read -r word; do
  case $word in
    start) KUBECONFIG=/tmp/kubeconfig METRICS_ADDRESS=127.0.0.1:9099 \
      chroot --userspec=65532:65532 "$ROOT" $OPERATOR >&2 & pid=$! ;;
    kill) end -KILL ;;
    stop) end -TERM ;;
  esac
  echo "$word"
done
"#;

/// A program with the proxy between it and the API server.
pub struct Operator {
    pub proxy: Proxy,
    cluster: Cluster,
    _shell: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    log: Arc<Mutex<VecDeque<String>>>,
    crashes: usize,
}

impl Operator {
    pub(super) async fn prepare(
        cluster: &Cluster,
        pod: &str,
        command: &[String],
        kubeconfig: &str,
        proxy: Proxy,
    ) -> Result<Self> {
        let script = format!("ROOT={ROOT}\nOPERATOR='{}'\n{SHELL}", command.join(" "));
        let environment = format!("RESYNC_SECONDS={RESYNC_SECONDS}");
        let mut shell = Command::new("kubectl")
            .args(["exec", "--stdin", "--namespace", OPERATOR_NAMESPACE, pod])
            .args(["--", "env", &environment, "sh", "-c"])
            .arg(format!(
                "printf '%s' '{kubeconfig}' >{ROOT}/tmp/kubeconfig && chmod 644 {ROOT}/tmp/kubeconfig\n{script}"
            ))
            .env("KUBECONFIG", &cluster.settings.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("failed to run kubectl")?;
        let taken = "its ends were asked for and not taken yet";
        let log = Arc::new(Mutex::new(VecDeque::new()));
        tokio::spawn(keep(
            BufReader::new(shell.stderr.take().context(taken)?).lines(),
            log.clone(),
        ));

        Ok(Self {
            proxy,
            cluster: cluster.clone(),
            orders: shell.stdin.take().context(taken)?,
            answers: BufReader::new(shell.stdout.take().context(taken)?).lines(),
            _shell: shell,
            log,
            crashes: 0,
        })
    }

    /// Starts the program, with the way to the API server open.
    pub async fn start(&mut self) -> Result<()> {
        self.proxy.open();

        self.order("start").await
    }

    /// Starts the program, and cuts it off when it has changed something so many times.
    pub async fn start_for(&mut self, writes: usize, cut: Cut) -> Result<()> {
        self.proxy.open();
        self.proxy.cut_after(writes, cut);

        self.order("start").await
    }

    /// Ends the program at once: no signal it could heed.
    pub async fn kill(&mut self) -> Result<()> {
        self.order("kill").await?;
        self.crashes += 1;

        release(&self.cluster).await
    }

    /// Ends the program as a kubelet does.
    pub async fn stop(&mut self) -> Result<()> {
        self.order("stop").await?;

        release(&self.cluster).await
    }

    /// How often it was killed.
    pub fn crashes(&self) -> usize {
        self.crashes
    }

    /// What it did last, for whoever looks into a failure.
    pub fn report(&self) -> String {
        let writes = self.proxy.effective_writes();
        let writes: Vec<_> = writes.iter().map(ToString::to_string).collect();
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let log: Vec<_> = log.iter().map(String::as_str).collect();

        format!(
            "the operator under test wrote\n{}\nand said\n{}",
            writes.join("\n"),
            log.join("\n")
        )
    }

    async fn order(&mut self, word: &str) -> Result<()> {
        let done = async {
            self.orders
                .write_all(format!("{word}\n").as_bytes())
                .await?;
            self.orders.flush().await?;

            anyhow::Ok(self.answers.next_line().await?)
        };
        match timeout(DONE_WITHIN, done).await?? {
            Some(answer) if answer == word => Ok(()),
            answer => bail!(
                "the operator's shell said {answer:?} when told to {word}: {}",
                self.report()
            ),
        }
    }
}

async fn keep(
    mut lines: Lines<BufReader<tokio::process::ChildStderr>>,
    log: Arc<Mutex<VecDeque<String>>>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == LOG_LINES {
            log.pop_front();
        }
        log.push_back(line);
    }
}
