//! Beginning a session with e-mail address and password.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service_kit::JsonBody;

use crate::app::App;
use crate::error::Error;
use crate::id::Id;
use crate::password::Password;
use crate::refresh_token;
use crate::session::Session;
use crate::store;
use crate::user::{User, email_key};

#[derive(Deserialize)]
pub struct Credentials {
    email: String,
    password: Password,
}

/// The answer to a registration and to a login.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    success: bool,
    message: &'static str,
    user_id: String,
    access_token: String,
    refresh_token: String,
}

pub async fn login(
    State(app): State<App>,
    JsonBody(given): JsonBody<Credentials>,
) -> Result<Json<SignedIn>, Error> {
    let user = app.store.user_by_email(&email_key(&given.email)).await?;
    // An unknown address costs a hash too: neither the answer nor its time tells who has an account.
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let matches = app.hasher.verify(given.password, hash).await?;
    let user = user.filter(|_| matches).ok_or(Error::WrongCredentials)?;

    let now = Timestamp::now();
    let session = new_session(&app, user.id, now)?;
    let answer = SignedIn::new(&app, "Logged in", &user, &session, now)?;
    app.store.insert_session(&session).await?;
    tracing::info!(user.id = %user.id, session.id = %session.id, "opened a session");

    Ok(Json(answer))
}

pub fn new_session(app: &App, user: Id, now: Timestamp) -> Result<Session, Error> {
    let nonce = refresh_token::new_nonce()?;

    Ok(Session::open(
        store::new_id(),
        user,
        nonce,
        &app.refresh_key,
        app.lifetimes,
        now,
    ))
}

impl SignedIn {
    pub fn new(
        app: &App,
        message: &'static str,
        user: &User,
        session: &Session,
        now: Timestamp,
    ) -> Result<Self, Error> {
        Ok(Self {
            success: true,
            message,
            user_id: user.id.to_string(),
            access_token: app.access_token(user, session, now)?,
            refresh_token: session.token(&app.refresh_key).encode(),
        })
    }
}
