//! Making an account.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use service_kit::JsonBody;

use crate::app::App;
use crate::error::Error;
use crate::login::{SignedIn, new_session};
use crate::password::Password;
use crate::store;
use crate::user::{Email, User, UserName};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    user_name: String,
    email: String,
    password: Password,
}

pub async fn register(
    State(app): State<App>,
    JsonBody(wanted): JsonBody<Registration>,
) -> Result<(StatusCode, Json<SignedIn>), Error> {
    let name = UserName::parse(&wanted.user_name)?;
    let email = Email::parse(&wanted.email)?;
    wanted.password.check_length(app.password_min_length)?;
    // Asked before the expensive part; the unique indexes decide between two who come at once.
    if let Some(taken) = app.store.taken(&name, &email).await? {
        return Err(taken.into());
    }

    let user = User {
        id: store::new_id(),
        name: name.as_str().to_owned(),
        password_hash: app.hasher.hash(wanted.password).await?,
    };
    let now = Timestamp::now();
    let session = new_session(&app, user.id, now)?;
    let answer = SignedIn::new(&app, "Account created", &user, &session, now)?;
    // The session first: one without an account is of no use to anybody and expires, an account without an answer
    // would leave its owner with a name that is taken.
    app.store.insert_session(&session).await?;
    app.store.insert_user(&user, &name, &email, now).await?;
    tracing::info!(user.id = %user.id, "registered an account");

    Ok((StatusCode::CREATED, Json(answer)))
}
