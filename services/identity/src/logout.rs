//! Ending a session.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use service_kit::JsonBody;

use crate::app::App;
use crate::error::Error;
use crate::refresh::Presented;
use crate::refresh_token::RefreshToken;

#[derive(Serialize)]
pub struct LoggedOut {
    success: bool,
    message: &'static str,
}

/// Any token of the session will do, spent or not: ending it harms nobody, and a client whose last answer was lost must
/// be able to leave. To end it twice is to end it.
pub async fn logout(
    State(app): State<App>,
    JsonBody(presented): JsonBody<Presented>,
) -> Result<Json<LoggedOut>, Error> {
    let token = RefreshToken::decode(&presented.refresh_token).ok_or(Error::RefreshToken)?;
    let session = app.store.session(token.family).await?;
    let session = session
        .filter(|session| session.issued(&token, &app.refresh_key))
        .ok_or(Error::RefreshToken)?;
    if app.store.revoke(session.id, Timestamp::now()).await? {
        tracing::info!(session.id = %session.id, "ended a session");
    }

    Ok(Json(LoggedOut {
        success: true,
        message: "Logged out",
    }))
}
