//! New tokens for a refresh token, which is spent by it.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service_kit::JsonBody;

use crate::app::App;
use crate::error::Error;
use crate::id::Id;
use crate::refresh_token::RefreshToken;
use crate::session::Verdict;

/// The body of a refresh and of a logout.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Presented {
    pub refresh_token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refreshed {
    success: bool,
    access_token: String,
    refresh_token: String,
}

pub async fn refresh(
    State(app): State<App>,
    JsonBody(presented): JsonBody<Presented>,
) -> Result<Json<Refreshed>, Error> {
    let now = Timestamp::now();
    let token = RefreshToken::decode(&presented.refresh_token).ok_or(Error::RefreshToken)?;
    let session = app.store.session(token.family).await?;
    let session = session.ok_or(Error::RefreshToken)?;
    match session.judge(&token, &app.refresh_key, app.lifetimes, now) {
        Verdict::Rotate => {}
        Verdict::Revoke => return Err(end_stolen(&app, session.id, now).await),
        Verdict::Refuse => return Err(Error::RefreshToken),
    }

    let user = app.store.user(session.user_id).await?;
    let user = user.ok_or(Error::RefreshToken)?;
    let next = session.rotated(now);
    let answer = Refreshed {
        success: true,
        access_token: app.access_token(&user, &next, now)?,
        refresh_token: next.token(&app.refresh_key).encode(),
    };
    if !app.store.rotate(&next).await? {
        // Somebody came between reading and writing, so the token is a spent one.
        return Err(end_stolen(&app, session.id, now).await);
    }

    Ok(Json(answer))
}

/// Ends a session whose spent token was shown again; the answer does not tell.
async fn end_stolen(app: &App, session: Id, now: Timestamp) -> Error {
    match app.store.revoke(session, now).await {
        Ok(true) => {
            tracing::warn!(session.id = %session, "ended a session because a spent refresh token was used again");
            Error::RefreshToken
        }
        Ok(false) => Error::RefreshToken,
        Err(error) => error.into(),
    }
}
