//! What can go wrong, and what the caller is told of it.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use service_kit::{IdempotencyKey, Problem};
use token::SignError;

use crate::backoff::TooSoon;
use crate::hasher;
use crate::password::PasswordError;
use crate::proof::Unproven;
use crate::random::NoRandomBytes;
use crate::store::{self, Taken};
use crate::user::{EmailError, NameError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the id is not 24 hex digits")]
    MalformedId,

    #[error(transparent)]
    Name(#[from] NameError),

    #[error(transparent)]
    Email(#[from] EmailError),

    #[error(transparent)]
    Password(#[from] PasswordError),

    #[error(transparent)]
    NewPassword(PasswordError),

    #[error(transparent)]
    Taken(#[from] Taken),

    /// One text for an unknown address and a wrong password.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,

    /// Of somebody whose account is known.
    #[error("the password is wrong")]
    WrongPassword,

    #[error(transparent)]
    TooSoon(#[from] TooSoon),

    /// One text for a refresh token that is spent, expired, revoked or none at all.
    #[error("the refresh token is not valid")]
    RefreshToken,

    /// The access token is good, but its session or its account is gone.
    #[error("the session of the access token has ended")]
    SessionEnded,

    #[error("there is no such session")]
    NoSuchSession,

    #[error("the Idempotency-Key belongs to another request")]
    KeyReused,

    #[error("a request with this Idempotency-Key is being worked on")]
    KeyInProgress,

    #[error(transparent)]
    Hasher(#[from] hasher::Error),

    #[error(transparent)]
    Sign(#[from] SignError),

    #[error(transparent)]
    Random(#[from] NoRandomBytes),

    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// The one table from failure to status and stable code.
    fn problem(&self) -> Problem {
        let text = self.to_string();
        match self {
            Self::MalformedId => Problem::malformed("malformed_id", text),
            Self::Name(_) => Problem::refused("invalid_user_name", "userName", text),
            Self::Email(_) => Problem::refused("invalid_email", "email", text),
            Self::Password(_) => Problem::refused("invalid_password", "password", text),
            Self::NewPassword(_) => Problem::refused("invalid_password", "newPassword", text),
            Self::Taken(Taken::Name) => Problem::new(StatusCode::CONFLICT, "name_taken", text),
            Self::Taken(Taken::Email) => Problem::new(StatusCode::CONFLICT, "email_taken", text),
            Self::WrongCredentials => Problem::unauthorized("wrong_credentials", text),
            Self::WrongPassword => Problem::new(StatusCode::FORBIDDEN, "wrong_password", text),
            Self::TooSoon(TooSoon(wait)) => {
                // Rounded up: who comes at that second may try.
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_failures", text)
                    .with_header(RETRY_AFTER, HeaderValue::from(seconds))
            }
            Self::RefreshToken => Problem::unauthorized("refresh_token_invalid", text),
            Self::SessionEnded => Problem::unauthorized("session_ended", text),
            Self::NoSuchSession => Problem::new(StatusCode::NOT_FOUND, "session_not_found", text),
            Self::KeyReused => IdempotencyKey::reused(),
            Self::KeyInProgress => IdempotencyKey::in_progress(),
            Self::Hasher(hasher::Error::Busy) => Problem::overloaded(),
            Self::Store(error) if error.is_unavailable() => Problem::unavailable(self),
            Self::Hasher(_) | Self::Sign(_) | Self::Random(_) | Self::Store(_) => {
                Problem::internal(self)
            }
        }
    }
}

impl From<Unproven> for Error {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::WrongPassword => Self::WrongPassword,
            Unproven::TooSoon(error) => error.into(),
            Unproven::Hasher(error) => error.into(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}
