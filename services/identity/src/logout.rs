//! Ending a session with one of its refresh tokens.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use service_kit::JsonBody;
use service_kit::openapi::ProblemDocument;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Error;
use crate::refresh::Presented;
use crate::refresh_token::RefreshToken;

/// What was asked for has been done.
#[derive(Serialize, ToSchema)]
pub struct Done {
    /// Always true.
    success: bool,
    message: &'static str,
}

impl Done {
    pub fn new(message: &'static str) -> Self {
        Self {
            success: true,
            message,
        }
    }
}

/// End a session.
///
/// Any token of the session will do, spent or not: ending it harms nobody, and a client whose last answer was lost must
/// be able to leave. To end it twice is to end it.
#[utoipa::path(
    post,
    path = "/v1/auth/logout",
    operation_id = "logout",
    tag = "sessions",
    request_body = Presented,
    responses(
        (status = 200, body = Done),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json",
            description = "This is no refresh token of a session."),
    ),
)]
pub async fn logout(
    State(app): State<App>,
    JsonBody(presented): JsonBody<Presented>,
) -> Result<Json<Done>, Error> {
    let token = RefreshToken::decode(&presented.refresh_token).ok_or(Error::RefreshToken)?;
    let session = app.store.session(token.family).await?;
    let session = session
        .filter(|session| session.issued(&token, &app.refresh_key))
        .ok_or(Error::RefreshToken)?;
    if app.end_session(&session, Timestamp::now()).await? {
        tracing::info!(session.id = %session.id, "ended a session");
    }

    Ok(Json(Done::new("Logged out")))
}
