//! Another password.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use service_kit::openapi::ProblemDocument;
use service_kit::{CurrentUser, JsonBody};
use utoipa::ToSchema;

use crate::account::account_of;
use crate::app::App;
use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::logout::Done;
use crate::password::{self, Password};
use crate::proof::prove;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordChange {
    #[schema(value_type = String, format = Password)]
    current_password: Password,
    #[schema(schema_with = password::described)]
    new_password: Password,
}

/// Change one's password.
///
/// Every session ends but the one in which this is asked.
#[utoipa::path(
    post,
    path = "/v1/auth/password",
    operation_id = "changePassword",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = PasswordChange,
    responses(
        (status = 200, body = Done),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json",
            description = "The current password is wrong."),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json",
            description = "There were too many wrong passwords; see `Retry-After`."),
    ),
)]
pub async fn change_password(
    State(app): State<App>,
    caller: CurrentUser,
    client: Client,
    JsonBody(change): JsonBody<PasswordChange>,
) -> Result<Json<Done>, Error> {
    let new = change.new_password;
    new.check(app.password_min_length)
        .map_err(Error::NewPassword)?;
    let kept = Id::parse(&caller.session_id).ok_or(Error::SessionEnded)?;
    let user = account_of(&app, &caller).await?;
    let email = user.email.clone();
    let user = prove(&app, &client, &email, Some(user), change.current_password).await?;
    // The access token may have outlived its session, and what has ended is not kept.
    let session = app.store.session(kept).await?;
    let is_open =
        session.is_some_and(|session| session.revoked_at.is_none() && user.keeps(&session));
    if !is_open {
        return Err(Error::SessionEnded);
    }
    let hash = app.hasher.hash(new).await?;
    if !app.store.change_password(&user, &hash, kept).await? {
        return Err(Error::WrongPassword);
    }
    // No refresh token of another session is accepted from here on; that access tokens are not either follows.
    app.settler.wake();
    tracing::info!(user.id = %user.id, "changed a password");

    Ok(Json(Done::new("Password changed")))
}
