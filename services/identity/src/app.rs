//! What the handlers share, built from the settings.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::Params;
use axum::extract::FromRef;
use database::idempotency::Idempotency;
use jiff::{SignedDuration, Timestamp};
use mongodb::Database;
use redis_kit::Redis;
use service_kit::settings::{SettingError, read_file};
use service_kit::{Authenticator, Metrics, TokenConfig};
use token::{SignError, Signer, Subject, Verifier};

use crate::announce::Announcer;
use crate::backoff::Backoff;
use crate::config::Config;
use crate::error::Error;
use crate::hasher::{self, Hasher};
use crate::refresh_token::{KeyError, RefreshKey};
use crate::session::{Lifetimes, Session};
use crate::settle::Settler;
use crate::store::{self, Store};
use crate::user::User;

#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub idempotency: Idempotency,
    pub authenticator: Authenticator,
    pub announcer: Announcer,
    pub settler: Settler,
    pub backoff: Backoff,
    pub hasher: Arc<Hasher>,
    pub refresh_key: Arc<RefreshKey>,
    pub lifetimes: Lifetimes,
    pub password_min_length: usize,
    signer: Arc<Signer>,
    access_token_ttl_seconds: u32,
}

/// Why the service cannot start: a setting, always.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Setting(#[from] SettingError),

    #[error(transparent)]
    Database(#[from] database::ConfigError),

    #[error(transparent)]
    Redis(#[from] redis_kit::ConfigError),

    #[error(transparent)]
    Bus(#[from] bus::ConfigError),

    #[error("failed to use the file named by TOKEN_SIGNING_KEY_FILE")]
    SigningKey(#[source] token::KeyError),

    #[error(
        "the key set in TOKEN_KEYS_FILE does not contain the public half of the key in TOKEN_SIGNING_KEY_FILE"
    )]
    KeyNotServed,

    #[error("failed to use the file named by REFRESH_KEY_FILE")]
    RefreshKey(#[source] KeyError),

    #[error("ARGON2_MEMORY_KIB, ARGON2_ITERATIONS and ARGON2_PARALLELISM do not go together: {0}")]
    Argon2(argon2::Error),

    #[error(transparent)]
    Hasher(#[from] hasher::Error),

    #[error(transparent)]
    Sign(#[from] SignError),
}

impl App {
    /// Reads the key files; asks nothing of the database.
    pub fn new(
        config: &Config,
        database: &Database,
        redis: Redis,
        authenticator: Authenticator,
        metrics: &Metrics,
    ) -> Result<Self, StartError> {
        let signing_key = read_file("TOKEN_SIGNING_KEY_FILE", &config.token_signing_key_file)?;
        let refresh_key = read_file("REFRESH_KEY_FILE", &config.refresh_key_file)?;
        let signer = Signer::new(&signing_key, config.token.scope());
        let signer = signer.map_err(StartError::SigningKey)?;
        check_that_tokens_verify(&signer, &config.token)?;
        let params = Params::new(
            config.argon2_memory_kib,
            config.argon2_iterations,
            config.argon2_parallelism,
            None,
        )
        .map_err(StartError::Argon2)?;
        // One is what is left to assume when the system does not say.
        let cores = available_parallelism().map_or(1, Into::into);
        let hasher = Hasher::new(params, cores)?;
        metrics.register(hasher.pending());
        metrics.register(hasher.runs());

        Ok(Self {
            store: Store::new(database),
            idempotency: Idempotency::new(database),
            authenticator,
            announcer: Announcer::default(),
            settler: Settler::default(),
            backoff: Backoff::new(redis),
            hasher: Arc::new(hasher),
            refresh_key: Arc::new(RefreshKey::parse(&refresh_key).map_err(StartError::RefreshKey)?),
            lifetimes: Lifetimes {
                idle: SignedDuration::from_secs(config.refresh_token_idle_seconds.into()),
                absolute: SignedDuration::from_secs(config.refresh_token_lifetime_seconds.into()),
                reuse_window: SignedDuration::from_secs(config.refresh_reuse_window_seconds.into()),
            },
            password_min_length: config.password_min_length.into(),
            signer: Arc::new(signer),
            access_token_ttl_seconds: config.access_token_ttl_seconds,
        })
    }

    /// Creates what the database needs to have.
    pub async fn prepare(&self) -> Result<(), store::Error> {
        let keys = async { Ok(self.idempotency.prepare().await?) };
        futures::try_join!(self.store.prepare(), keys)?;

        Ok(())
    }

    /// Ends a session for everybody; false when it had ended.
    pub async fn end_session(&self, session: &Session, now: Timestamp) -> Result<bool, Error> {
        let has_ended = self.store.revoke(session.user_id, session.id, now).await?;
        if has_ended {
            self.announcer.wake();
        }

        Ok(has_ended)
    }

    /// A token by which `user` is known from `now` on, as long as `session` lasts. None outlives the session's absolute
    /// end: after it nothing is left of the session that could be told to have ended.
    pub fn access_token(
        &self,
        user: &User,
        session: &Session,
        now: Timestamp,
    ) -> Result<String, SignError> {
        let subject = Subject {
            user_id: user.id.to_string(),
            user_name: user.name.clone(),
            session_id: session.id.to_string(),
        };

        let left = session.absolute_expiry.duration_since(now).as_secs();
        let left = u32::try_from(left.max(0)).unwrap_or(u32::MAX);
        let ttl_seconds = self.access_token_ttl_seconds.min(left);

        self.signer.sign(&subject, now.as_second(), ttl_seconds)
    }
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}

/// A key nobody can check would make every login a success that leads nowhere.
fn check_that_tokens_verify(signer: &Signer, config: &TokenConfig) -> Result<(), StartError> {
    let nobody = "0".repeat(24);
    let subject = Subject {
        user_id: nobody.clone(),
        user_name: String::new(),
        session_id: nobody,
    };
    let token = signer.sign(&subject, Timestamp::now().as_second(), 60)?;

    let keys = read_file("TOKEN_KEYS_FILE", &config.token_keys_file)?;
    let verifier = Verifier::new(&keys, &config.scope()).map_err(|source| SettingError::Keys {
        path: config.token_keys_file.clone(),
        source,
    })?;

    verifier
        .verify(&token)
        .map(drop)
        .map_err(|_| StartError::KeyNotServed)
}
