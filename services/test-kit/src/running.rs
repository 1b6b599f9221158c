//! A service running inside the test's own process.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use reqwest::Client;
use service_kit::Listeners;
use tokio::net::TcpListener;
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
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .expect("a client without TLS can always be built");

        Self {
            url: api_url,
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
