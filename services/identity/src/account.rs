//! One's own account: to look at, and to leave.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service_kit::openapi::ProblemDocument;
use service_kit::{CurrentUser, JsonBody, RequestContext};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::logout::Done;
use crate::password::Password;
use crate::proof::prove;
use crate::store::Deletion;
use crate::user::User;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// 24 hex digits.
    user_id: String,
    user_name: String,
    email: String,
    #[schema(format = DateTime)]
    created_at: String,
}

#[derive(Deserialize, ToSchema)]
pub struct Farewell {
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// One's own account.
#[utoipa::path(
    get,
    path = "/v1/auth/me",
    operation_id = "readAccount",
    tag = "accounts",
    security(("bearer" = [])),
    responses((status = 200, body = Account)),
)]
pub async fn read(State(app): State<App>, caller: CurrentUser) -> Result<Json<Account>, Error> {
    let user = account_of(&app, &caller).await?;

    Ok(Json(Account {
        user_id: user.id.to_string(),
        user_name: user.name,
        email: user.email,
        created_at: format!("{:.3}", user.created_at),
    }))
}

/// Leave for good.
///
/// All sessions end. One's posts and files and what search knows of them go soon after.
#[utoipa::path(
    delete,
    path = "/v1/auth/me",
    operation_id = "deleteAccount",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = Farewell,
    responses(
        (status = 200, body = Done),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json",
            description = "The password is wrong."),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json",
            description = "There were too many wrong passwords; see `Retry-After`."),
    ),
)]
pub async fn delete(
    State(app): State<App>,
    caller: CurrentUser,
    client: Client,
    context: RequestContext,
    JsonBody(given): JsonBody<Farewell>,
) -> Result<Json<Done>, Error> {
    let user = account_of(&app, &caller).await?;
    let email = user.email.clone();
    let user = prove(&app, &client, &email, Some(user), given.password).await?;
    let deletion = Deletion {
        event_id: Uuid::now_v7(),
        at: Timestamp::now(),
        origin: events::Origin {
            request_id: context.request_id,
            traceparent: context.traceparent,
        },
    };
    if !app.store.delete_user(&user, &deletion).await? {
        return Err(Error::WrongPassword);
    }
    // No refresh token is accepted from here on; that access tokens are not either, and the rest, follows.
    app.settler.wake();
    tracing::info!(user.id = %user.id, "an account goes");

    Ok(Json(Done::new("Account deleted")))
}

/// The account of somebody whose access token may have outlived it.
pub async fn account_of(app: &App, caller: &CurrentUser) -> Result<User, Error> {
    let id = Id::parse(&caller.id).ok_or(Error::SessionEnded)?;

    app.store.user(id).await?.ok_or(Error::SessionEnded)
}
