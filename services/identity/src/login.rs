//! Beginning a session with e-mail address and password.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service_kit::JsonBody;
use service_kit::openapi::ProblemDocument;
use utoipa::ToSchema;

use crate::app::App;
use crate::client::Client;
use crate::error::Error;
use crate::password::Password;
use crate::proof::{Unproven, prove};
use crate::refresh_token;
use crate::session::Session;
use crate::store;
use crate::user::{User, email_key};

#[derive(Deserialize, ToSchema)]
pub struct Credentials {
    #[schema(example = "ada@example.org")]
    email: String,
    #[schema(value_type = String, format = Password, example = "correct horse battery staple")]
    password: Password,
}

/// The answer to a registration and to a login.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// Always true.
    success: bool,
    message: &'static str,
    /// 24 hex digits.
    user_id: String,
    access_token: String,
    refresh_token: String,
}

/// Begin a session.
#[utoipa::path(
    post,
    path = "/v1/auth/login",
    operation_id = "login",
    tag = "accounts",
    request_body = Credentials,
    responses(
        (status = 200, body = SignedIn),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json",
            description = "No account has this address and this password."),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json",
            description = "There were too many wrong passwords; see `Retry-After`."),
    ),
)]
pub async fn login(
    State(app): State<App>,
    client: Client,
    JsonBody(given): JsonBody<Credentials>,
) -> Result<Json<SignedIn>, Error> {
    let user = app.store.user_by_email(&email_key(&given.email)).await?;
    let proven = prove(&app, &client, &given.email, user, given.password).await;
    let user = proven.map_err(|unproven| match unproven {
        Unproven::WrongPassword => Error::WrongCredentials,
        unproven => unproven.into(),
    })?;

    open_session(&app, &user, &client, "Logged in")
        .await
        .map(Json)
}

/// Opens a session for somebody who has proven to be `user`.
pub async fn open_session(
    app: &App,
    user: &User,
    client: &Client,
    message: &'static str,
) -> Result<SignedIn, Error> {
    let now = Timestamp::now();
    let session = new_session(app, user, client, now)?;
    let answer = SignedIn::new(app, message, user, &session, now)?;
    app.store.insert_session(&session).await?;
    // Whoever changed the password or deleted the account meanwhile has ended all sessions but this one.
    let user = app.store.user(user.id).await?;
    if user.is_none_or(|user| !user.keeps(&session)) {
        app.end_session(&session, now).await?;
        return Err(Error::WrongCredentials);
    }
    tracing::info!(user.id = %session.user_id, session.id = %session.id, "opened a session");

    Ok(answer)
}

pub fn new_session(
    app: &App,
    user: &User,
    client: &Client,
    now: Timestamp,
) -> Result<Session, Error> {
    let nonce = refresh_token::new_nonce()?;

    Ok(Session::open(
        store::new_id(),
        user,
        &client.device,
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
