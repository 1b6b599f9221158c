//! The one connection of a process to Redis, shared by everything that asks.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prometheus::IntGauge;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, Script, cmd};
use secrecy::ExposeSecret;

use crate::{ConfigError, RedisConfig};

/// An answer that takes longer is worth less than none: the request that waits for it has a budget of its own.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(50);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// After a failure nobody asks for so long; then the next question finds out whether Redis is back.
const PAUSE: Duration = Duration::from_secs(1);

/// Redis, which may be away. Clones share one connection, which is made when it is first needed.
#[derive(Clone)]
pub struct Redis {
    manager: ConnectionManager,
    state: Arc<State>,
}

struct State {
    started: Instant,
    /// Milliseconds after `started` before which nobody asks.
    paused_until: AtomicU64,
    failures: AtomicU64,
    connected: IntGauge,
}

/// Redis did not answer. Whether it did what it was asked is unknown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Redis is away")]
    Away,

    #[error("Redis did not answer within {} ms", ANSWER_TIMEOUT.as_millis())]
    Silent,

    #[error("Redis refused or broke off")]
    Failed(#[source] RedisError),
}

impl Redis {
    /// The Redis the settings name. Nothing is asked of it yet: it may be away and come later.
    pub fn new(config: &RedisConfig) -> Result<Self, ConfigError> {
        let client =
            Client::open(config.redis_url.expose_secret()).map_err(|_| ConfigError::Url)?;
        // Failed attempts are repeated by whoever asks next, not by a timer of the client's.
        let options = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(None);
        let manager = ConnectionManager::new_lazy_with_config(client, options)
            .map_err(|_| ConfigError::Url)?;
        let connected = IntGauge::new("redis_connected", "1 while Redis answers.")
            .expect("the name above is valid");

        Ok(Self {
            manager,
            state: Arc::new(State {
                started: Instant::now(),
                paused_until: AtomicU64::new(0),
                failures: AtomicU64::new(0),
                connected,
            }),
        })
    }

    /// 1 while Redis answers.
    pub fn connected(&self) -> IntGauge {
        self.state.connected.clone()
    }

    /// How often a question failed. While this stays the same, Redis heard every one and lost no connection, so it has
    /// not restarted either.
    pub fn failures(&self) -> u64 {
        self.state.failures.load(Ordering::SeqCst)
    }

    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let mut connection = self.manager.clone();

        self.bounded(command.query_async(&mut connection)).await
    }

    /// All commands of `pipeline` in one round trip.
    pub async fn pipeline<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, Error> {
        let mut connection = self.manager.clone();

        self.bounded(pipeline.query_async(&mut connection)).await
    }

    /// Runs `script`; it is sent whole only the first time Redis sees it.
    pub async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[&str],
    ) -> Result<T, Error> {
        let mut connection = self.manager.clone();
        let mut invocation = script.prepare_invoke();
        for key in keys {
            invocation.key(*key);
        }
        for argument in arguments {
            invocation.arg(*argument);
        }

        self.bounded(invocation.invoke_async(&mut connection)).await
    }

    /// Asks whether Redis answers; the error is the reason for `/readyz`.
    pub async fn check(self) -> Result<(), String> {
        self.query::<()>(&cmd("PING"))
            .await
            .map_err(|error| match error {
                Error::Failed(source) => source.to_string(),
                error => error.to_string(),
            })
    }

    async fn bounded<T>(&self, question: impl Future<Output = RedisResult<T>>) -> Result<T, Error> {
        if self.state.is_paused() {
            self.state.failures.fetch_add(1, Ordering::SeqCst);
            return Err(Error::Away);
        }
        let result = match tokio::time::timeout(ANSWER_TIMEOUT, question).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Error::Failed(error)),
            Err(_) => Err(Error::Silent),
        };
        if result.is_err() {
            self.state.failures.fetch_add(1, Ordering::SeqCst);
        }
        match &result {
            Ok(_) => self.state.connected.set(1),
            // What Redis says against one command is no sign that it is away.
            Err(Error::Failed(error)) if !error.is_io_error() && !error.is_timeout() => {}
            Err(error) => self.state.pause(error),
        }

        result
    }
}

impl State {
    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_paused(&self) -> bool {
        self.elapsed() < self.paused_until.load(Ordering::Relaxed)
    }

    fn pause(&self, error: &Error) {
        let pause = u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX);
        self.paused_until
            .store(self.elapsed().saturating_add(pause), Ordering::Relaxed);
        if self.connected.get() == 1 {
            self.connected.set(0);
            tracing::warn!(error = error as &dyn std::error::Error, "lost Redis");
        }
    }
}
