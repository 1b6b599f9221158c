//! What can go wrong, and what the caller is told of it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use service_kit::Problem;
use token::SignError;

use crate::hasher;
use crate::password::PasswordError;
use crate::refresh_token::NoRandomBytes;
use crate::store::{self, Taken};
use crate::user::{EmailError, NameError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Name(#[from] NameError),

    #[error(transparent)]
    Email(#[from] EmailError),

    #[error(transparent)]
    Password(#[from] PasswordError),

    #[error(transparent)]
    Taken(#[from] Taken),

    /// One text for an unknown address and a wrong password.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,

    /// One text for a refresh token that is spent, expired, revoked or none at all.
    #[error("the refresh token is not valid")]
    RefreshToken,

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
            Self::Name(_) => Problem::refused("invalid_user_name", "userName", text),
            Self::Email(_) => Problem::refused("invalid_email", "email", text),
            Self::Password(_) => Problem::refused("invalid_password", "password", text),
            Self::Taken(Taken::Name) => Problem::new(StatusCode::CONFLICT, "name_taken", text),
            Self::Taken(Taken::Email) => Problem::new(StatusCode::CONFLICT, "email_taken", text),
            Self::WrongCredentials => Problem::unauthorized("wrong_credentials", text),
            Self::RefreshToken => Problem::unauthorized("refresh_token_invalid", text),
            Self::Hasher(hasher::Error::Busy) => Problem::overloaded(),
            Self::Store(error) if error.is_unavailable() => Problem::unavailable(self),
            Self::Hasher(_) | Self::Sign(_) | Self::Random(_) | Self::Store(_) => {
                Problem::internal(self)
            }
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}
