//! The one connection of a process to Redis, shared by everything that asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use prometheus::IntGauge;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, Cmd, FromRedisValue, IntoConnectionInfo, ProtocolVersion, RedisError, RedisResult,
    Script, cmd,
};
use secrecy::ExposeSecret;

use crate::{ConfigError, RedisConfig};

/// An answer that takes longer is worth less than none: the request that waits for it has a budget of its own.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(50);
/// What [`Redis::patient`] waits for an answer, a connection included.
const PATIENCE: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// After a failure requests ask nothing for so long; then the next question finds out whether Redis is back.
const PAUSE: Duration = Duration::from_secs(1);

/// Redis, which may be away. Clones share one connection, which is made when it is first needed.
#[derive(Clone)]
pub struct Redis {
    shared: Arc<Shared>,
    is_patient: bool,
}

struct Shared {
    client: Client,
    connection: ArcSwap<ConnectionManager>,
    started: Instant,
    /// Milliseconds after `started` before which no request asks.
    paused_until: AtomicU64,
    failures: AtomicU64,
    losses: AtomicU64,
    connected: IntGauge,
}

/// Redis did not answer. Whether it did what it was asked is unknown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Redis is away")]
    Away,

    #[error("Redis did not answer within {} ms", .0.as_millis())]
    Silent(Duration),

    #[error("Redis refused or broke off")]
    Failed(#[source] RedisError),
}

impl Redis {
    /// The Redis the settings name. Nothing is asked of it yet: it may be away and come later.
    pub fn new(config: &RedisConfig) -> Result<Self, ConfigError> {
        let address = config.redis_url.expose_secret().into_connection_info();
        let address = address.map_err(|_| ConfigError::Url)?;
        // With the next protocol a lost connection is replaced without a question that fails, and the caches of pages
        // count on such a failure to notice that Redis has restarted.
        let settings = address.redis_settings().clone();
        let address = address.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP2));
        let client = Client::open(address).map_err(|_| ConfigError::Url)?;
        let connection = connection(&client).map_err(|_| ConfigError::Url)?;
        let connected = IntGauge::new("redis_connected", "1 while Redis answers.")
            .expect("the name above is valid");

        Ok(Self {
            shared: Arc::new(Shared {
                client,
                connection: ArcSwap::from_pointee(connection),
                started: Instant::now(),
                paused_until: AtomicU64::new(0),
                failures: AtomicU64::new(0),
                losses: AtomicU64::new(0),
                connected,
            }),
            is_patient: false,
        })
    }

    /// The same connection for work that no request waits for: it may take its time, and asks while requests do not.
    ///
    /// That is how Redis is found again. Whatever goes wrong here, the next question has a new connection: one whose
    /// other end has vanished, or that was refused at its beginning, would never be good again.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            is_patient: true,
        }
    }

    /// 1 while Redis answers.
    pub fn connected(&self) -> IntGauge {
        self.shared.connected.clone()
    }

    /// How often a question failed. While this stays the same, Redis heard every one and lost no connection, so it has
    /// not restarted either.
    pub fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::SeqCst)
    }

    /// How often the connection may have been lost. While this stays the same, it is one Redis that was asked, and it
    /// has not restarted.
    pub fn losses(&self) -> u64 {
        self.shared.losses.load(Ordering::SeqCst)
    }

    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        self.ask(async |mut connection| command.query_async(&mut connection).await)
            .await
    }

    /// Runs `script`; it is sent whole only the first time Redis sees it.
    pub async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[&str],
    ) -> Result<T, Error> {
        self.ask(async |mut connection| {
            let mut invocation = script.prepare_invoke();
            for key in keys {
                invocation.key(*key);
            }
            for argument in arguments {
                invocation.arg(*argument);
            }
            invocation.invoke_async(&mut connection).await
        })
        .await
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

    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(ConnectionManager) -> RedisResult<T>,
    ) -> Result<T, Error> {
        let shared = &self.shared;
        if shared.is_paused() && !self.is_patient {
            shared.failures.fetch_add(1, Ordering::SeqCst);
            return Err(Error::Away);
        }
        let limit = if self.is_patient {
            PATIENCE
        } else {
            ANSWER_TIMEOUT
        };
        let asked = Instant::now();
        let connection = ConnectionManager::clone(&shared.connection.load());
        let result = match tokio::time::timeout(limit, question(connection)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Error::Failed(error)),
            Err(_) => Err(Error::Silent(limit)),
        };
        match &result {
            Ok(_) if asked.elapsed() <= ANSWER_TIMEOUT => shared.answers(self.is_patient),
            Ok(_) => {}
            Err(error) => shared.fails(error, self.is_patient),
        }

        result
    }
}

impl Shared {
    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_paused(&self) -> bool {
        self.elapsed() < self.paused_until.load(Ordering::Relaxed)
    }

    /// Redis answers in the time that requests have.
    fn answers(&self, ends_pause: bool) {
        self.connected.set(1);
        if ends_pause {
            self.paused_until.store(0, Ordering::Relaxed);
        }
    }

    fn fails(&self, error: &Error, is_patient: bool) {
        self.failures.fetch_add(1, Ordering::SeqCst);
        let (is_broken, is_refusal) = match error {
            Error::Failed(error) => (error.is_io_error(), !error.is_io_error()),
            Error::Away | Error::Silent(_) => (false, false),
        };
        if is_patient && let Ok(connection) = connection(&self.client) {
            self.connection.store(Arc::new(connection));
        }
        if is_patient || is_broken {
            self.losses.fetch_add(1, Ordering::SeqCst);
        }
        // What Redis says against one command is no sign that it is away.
        if !is_refusal {
            self.pause(error);
        }
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

/// A connection that is made when it is first needed, and again by whoever asks when it was lost.
fn connection(client: &Client) -> RedisResult<ConnectionManager> {
    // Failed attempts are repeated by whoever asks next, not by a timer of the client's.
    let options = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(None);

    ConnectionManager::new_lazy_with_config(client.clone(), options)
}
