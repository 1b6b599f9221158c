//! One's own sessions: to look at, and to end.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use service_kit::CurrentUser;
use service_kit::openapi::ProblemDocument;
use utoipa::ToSchema;

use crate::account::account_of;
use crate::app::App;
use crate::error::Error;
use crate::id::{Id, PathId};
use crate::logout::Done;
use crate::session::Session;

/// The one used last comes first; 100 at most.
#[derive(Serialize, ToSchema)]
pub struct Sessions {
    sessions: Vec<OneSession>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OneSession {
    /// 24 hex digits.
    id: String,
    /// The `User-Agent` with which it began; empty when there was none.
    device: String,
    #[schema(format = DateTime)]
    first_used_at: String,
    /// The last refresh, or the beginning.
    #[schema(format = DateTime)]
    last_used_at: String,
    /// Whether the access token of the request was made in it.
    is_current: bool,
}

/// One's own sessions.
#[utoipa::path(
    get,
    path = "/v1/auth/sessions",
    operation_id = "listSessions",
    tag = "sessions",
    security(("bearer" = [])),
    responses((status = 200, body = Sessions)),
)]
pub async fn list(State(app): State<App>, caller: CurrentUser) -> Result<Json<Sessions>, Error> {
    let user = account_of(&app, &caller).await?;
    let now = Timestamp::now();
    let idle_since = now
        .saturating_sub(app.lifetimes.idle)
        .unwrap_or(Timestamp::MIN);
    let open = app.store.open_sessions(user.id, now, idle_since).await?;
    let kept = open.into_iter().filter(|session| user.keeps(session));

    Ok(Json(Sessions {
        sessions: kept.map(|session| shown(session, &caller)).collect(),
    }))
}

/// End one of one's own sessions.
#[utoipa::path(
    delete,
    path = "/v1/auth/sessions/{id}",
    operation_id = "endSession",
    tag = "sessions",
    security(("bearer" = [])),
    params(("id" = String, Path, pattern = "^[0-9a-fA-F]{24}$")),
    responses(
        (status = 200, body = Done),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json",
            description = "There is no such session, or not any more."),
    ),
)]
pub async fn end(
    State(app): State<App>,
    caller: CurrentUser,
    PathId(id): PathId,
) -> Result<Json<Done>, Error> {
    let user = Id::parse(&caller.id).ok_or(Error::SessionEnded)?;
    if !app.store.revoke(user, id, Timestamp::now()).await? {
        return Err(Error::NoSuchSession);
    }
    app.announcer.wake();
    tracing::info!(session.id = %id, "ended a session");

    Ok(Json(Done::new("Session ended")))
}

fn shown(session: Session, caller: &CurrentUser) -> OneSession {
    let id = session.id.to_string();

    OneSession {
        is_current: id == caller.session_id,
        id,
        device: session.device,
        first_used_at: format!("{:.3}", session.created_at),
        last_used_at: format!("{:.3}", session.rotated_at),
    }
}
