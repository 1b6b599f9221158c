//! New tokens for a refresh token, which is spent by it.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service_kit::JsonBody;
use service_kit::openapi::ProblemDocument;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Error;
use crate::refresh_token::RefreshToken;
use crate::session::{Session, Verdict};

/// The body of a refresh and of a logout.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presented {
    pub refresh_token: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refreshed {
    /// Always true.
    success: bool,
    access_token: String,
    refresh_token: String,
}

/// Spend a refresh token for new tokens.
///
/// For a short time after, the same token gets the same next one; used later, it ends its session.
#[utoipa::path(
    post,
    path = "/v1/auth/refresh-token",
    operation_id = "refresh",
    tag = "sessions",
    request_body = Presented,
    responses(
        (status = 200, body = Refreshed),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json",
            description = "The refresh token is spent, expired, revoked or none."),
    ),
)]
pub async fn refresh(
    State(app): State<App>,
    JsonBody(presented): JsonBody<Presented>,
) -> Result<Json<Refreshed>, Error> {
    // The access token's life is counted from here, so that it is over when the end of its session is forgotten,
    // however long the rest takes.
    let now = Timestamp::now();
    let token = RefreshToken::decode(&presented.refresh_token).ok_or(Error::RefreshToken)?;
    let session = app.store.session(token.family).await?;
    let session = session.ok_or(Error::RefreshToken)?;
    if let Some(answer) = answer(&app, session, &token, now).await? {
        return Ok(Json(answer));
    }

    // Somebody came between reading and writing. What they left is judged anew; as generations only grow, this token is
    // not the one that counts, and there is no third look.
    let session = app.store.session_after_writes(token.family).await?;
    let session = session.ok_or(Error::RefreshToken)?;
    let answer = answer(&app, session, &token, now).await?;

    answer.map(Json).ok_or(Error::RefreshToken)
}

/// Nothing when the session changed while it was looked at.
async fn answer(
    app: &App,
    session: Session,
    token: &RefreshToken,
    now: Timestamp,
) -> Result<Option<Refreshed>, Error> {
    let verdict = session.judge(token, &app.refresh_key, app.lifetimes, now);
    let last = match verdict {
        Verdict::Rotate => session.rotated(now),
        Verdict::Repeat => session,
        Verdict::Revoke => return Err(end_stolen(app, &session, now).await),
        Verdict::Refuse => return Err(Error::RefreshToken),
    };
    let user = app.store.user(last.user_id).await?;
    let user = user.filter(|user| user.keeps(&last));
    let user = user.ok_or(Error::RefreshToken)?;
    let answer = Refreshed {
        success: true,
        access_token: app.access_token(&user, &last, now)?,
        refresh_token: last.token(&app.refresh_key).encode(),
    };
    let counts = verdict == Verdict::Repeat || app.store.rotate(&last).await?;

    Ok(counts.then_some(answer))
}

/// Ends a session whose spent token was shown again; the answer does not tell.
async fn end_stolen(app: &App, session: &Session, now: Timestamp) -> Error {
    match app.end_session(session, now).await {
        Ok(true) => {
            tracing::warn!(session.id = %session.id, "ended a session because a spent refresh token was used again");
            Error::RefreshToken
        }
        Ok(false) => Error::RefreshToken,
        Err(error) => error,
    }
}
