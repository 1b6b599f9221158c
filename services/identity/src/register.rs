//! Making an account.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use database::idempotency::{Begin, Guard, Stored};
use jiff::Timestamp;
use serde::Deserialize;
use service_kit::openapi::ProblemDocument;
use service_kit::{IdempotencyKey, JsonBody};
use utoipa::ToSchema;

use crate::app::App;
use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::login::{SignedIn, new_session, open_session};
use crate::password::{self, Password};
use crate::proof::{Unproven, prove};
use crate::store;
use crate::user::{Email, User, UserName};

const MESSAGE: &str = "Account created";

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// 3 to 50 characters that can be seen; space around them is no part of it.
    #[schema(
        example = "ada",
        pattern = r"^\s*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]{1,48}[^\s\u0000-\u001f\u007f-\u009f]\s*$"
    )]
    user_name: String,
    /// Up to 254 bytes; space around them is no part of it.
    #[schema(
        example = "ada@example.org",
        pattern = r"^\s*[^@\s\u0000-\u001f\u007f-\u009f]{1,64}@[^@.\s\u0000-\u001f\u007f-\u009f]+(\.[^@.\s\u0000-\u001f\u007f-\u009f]+)*\s*$"
    )]
    email: String,
    #[schema(schema_with = password::described)]
    password: Password,
}

/// Make an account and begin its first session.
#[utoipa::path(
    post,
    path = "/v1/auth/register",
    operation_id = "register",
    tag = "accounts",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = Registration,
    responses(
        (status = 201, body = SignedIn),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json",
            description = "Somebody has the name or the address, or a request with this Idempotency-Key is being worked on."),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json",
            description = "The same Idempotency-Key came with too many wrong passwords; see `Retry-After`."),
    ),
)]
pub async fn register(
    State(app): State<App>,
    client: Client,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(wanted): JsonBody<Registration>,
) -> Result<(StatusCode, Json<SignedIn>), Error> {
    let name = UserName::parse(&wanted.user_name)?;
    let email = Email::parse(&wanted.email)?;
    wanted.password.check(app.password_min_length)?;
    let guard = match key {
        Some(key) => Some(claim(&app, &key, &name, &email).await?),
        None => None,
    };
    let id = match &guard {
        Some(Claimed::Now(guard)) => Id(guard.subject().bytes()),
        Some(Claimed::Before(id)) => *id,
        None => store::new_id(),
    };
    if guard.is_some()
        && let Some(user) = app.store.user(id).await?
    {
        let answer = again(&app, &client, user, wanted.password).await?;
        return Ok((StatusCode::CREATED, Json(answer)));
    }
    // The account was made and is gone. Everybody was told so, for good: its id cannot be somebody's again.
    if let Some(Claimed::Before(_)) = guard {
        return Err(Error::KeyReused);
    }

    let made = make(&app, &client, id, &name, &email, wanted.password).await;
    if let Some(Claimed::Now(guard)) = guard {
        let kept = Stored {
            status: StatusCode::CREATED.as_u16(),
            location: None,
            body: id.to_string(),
        };
        match &made {
            Ok(_) => guard.finish(&kept).await,
            Err(_) => guard.release().await,
        }
    }

    Ok((StatusCode::CREATED, Json(made?)))
}

/// Who holds a key.
enum Claimed {
    Now(Guard),
    /// A request that has made this account.
    Before(Id),
}

/// Keys of different addresses are different keys: before there is an account, nothing else tells clients apart.
async fn claim(app: &App, key: &str, name: &UserName, email: &Email) -> Result<Claimed, Error> {
    let (owner, fingerprint) = (email.key(), name.as_str().as_bytes());
    let begin = app.idempotency.begin("register", &owner, key, fingerprint);
    match begin.await.map_err(store::Error::from)? {
        Begin::Fresh(guard) => Ok(Claimed::Now(guard)),
        Begin::Replay(kept) => Id::parse(&kept.body)
            .map(Claimed::Before)
            .ok_or(Error::KeyReused),
        Begin::Busy => Err(Error::KeyInProgress),
        Begin::Differs => Err(Error::KeyReused),
    }
}

async fn make(
    app: &App,
    client: &Client,
    id: Id,
    name: &UserName,
    email: &Email,
    password: Password,
) -> Result<SignedIn, Error> {
    // Asked before the expensive part; the unique indexes decide between two who come at once.
    if let Some(taken) = app.store.taken(name, email).await? {
        return Err(taken.into());
    }

    let password_hash = app.hasher.hash(password).await?;
    let now = Timestamp::now();
    let user = User {
        id,
        name: name.as_str().to_owned(),
        email: email.as_str().to_owned(),
        password_hash,
        password_version: 1,
        kept_session: None,
        created_at: now,
    };
    let session = new_session(app, &user, client, now)?;
    let answer = SignedIn::new(app, MESSAGE, &user, &session, now)?;
    // The session first: one without an account is of no use to anybody and expires, an account without an answer
    // would leave its owner with a name that is taken.
    app.store.insert_session(&session).await?;
    app.store.insert_user(&user, name, email).await??;
    tracing::info!(user.id = %user.id, "registered an account");

    Ok(answer)
}

/// The answer to a request that has taken place. Tokens are not kept to be given out again, so whoever comes with the
/// key has to know the password, and gets a session of their own.
async fn again(
    app: &App,
    client: &Client,
    user: User,
    password: Password,
) -> Result<SignedIn, Error> {
    let email = user.email.clone();
    let proven = prove(app, client, &email, Some(user), password).await;
    let user = proven.map_err(|unproven| match unproven {
        Unproven::WrongPassword => Error::KeyReused,
        unproven => unproven.into(),
    })?;

    open_session(app, &user, client, MESSAGE).await
}
