//! A service that runs while a test uses it: inside the test's own process, or as a program.

use std::fmt::Debug;
use std::future::Future;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use service_kit::Listeners;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const READY_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// A service on ports of its own. It is asked to stop when this is dropped.
pub struct Running {
    /// `http://127.0.0.1:<port>` of the API.
    pub url: String,
    /// `http://127.0.0.1:<port>` of health and metrics.
    pub admin_url: String,
    pub client: Client,
    shutdown: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts `run` on free ports of the loopback interface.
    pub async fn start<F, E>(run: impl FnOnce(Listeners, CancellationToken) -> F) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Debug + Send,
    {
        let api = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let admin = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = |listener: &TcpListener| {
            format!(
                "http://{}",
                listener
                    .local_addr()
                    .expect("a bound listener has an address")
            )
        };
        let (api_url, admin_url) = (url(&api), url(&admin));
        let shutdown = CancellationToken::new();
        let service = run(Listeners { api, admin }, shutdown.clone());
        let task = tokio::spawn(async move { service.await.expect("the service runs") });

        Self::at_urls(api_url, admin_url, shutdown, task)
    }

    /// Starts `program`, which is to listen at port 0 of the loopback interface, and logs where that is. To stop it is to
    /// kill it.
    pub async fn program(mut program: Command) -> Self {
        let child = program
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = child.expect("the program was built");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let [api, admin] = tokio::time::timeout(READY_WITHIN, addresses(&mut lines))
            .await
            .expect("it listens soon");
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let task = tokio::spawn(async move {
            // What it says is of no interest, but to leave it unread would change what it does.
            let read = async { while let Ok(Some(_)) = lines.next_line().await {} };
            stop.run_until_cancelled(read).await;
            child.kill().await.expect("it can be killed");
        });

        Self::at_urls(
            format!("http://{api}"),
            format!("http://{admin}"),
            shutdown,
            task,
        )
    }

    fn at_urls(
        url: String,
        admin_url: String,
        shutdown: CancellationToken,
        task: JoinHandle<()>,
    ) -> Self {
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .expect("a client without TLS can always be built");

        Self {
            url,
            admin_url,
            client,
            shutdown,
            task: Some(task),
        }
    }

    /// Waits until `/readyz` says so.
    pub async fn ready(self) -> Self {
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        loop {
            let said = match self
                .client
                .get(format!("{}/readyz", self.admin_url))
                .send()
                .await
            {
                Ok(response) if response.status().is_success() => return self,
                Ok(response) => response.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            assert!(
                tokio::time::Instant::now() < deadline,
                "not ready within {READY_WITHIN:?}: {said}"
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// `<url><path>`
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Asks the service to stop, without waiting.
    pub fn ask_to_stop(&self) {
        self.shutdown.cancel();
    }

    /// Asks the service to stop and waits for its end.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        if let Some(task) = self.task.take() {
            task.await.expect("the service ended well");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Where a program says that it listens: its API, and its health and metrics.
async fn addresses(lines: &mut Lines<BufReader<ChildStdout>>) -> [String; 2] {
    while let Ok(Some(line)) = lines.next_line().await {
        let line: Value = serde_json::from_str(&line).expect("a line of JSON");
        if let (Some(api), Some(admin)) = (line["address"].as_str(), line["admin.address"].as_str())
        {
            return [api.to_owned(), admin.to_owned()];
        }
    }
    panic!("the program has ended");
}
