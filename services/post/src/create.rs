//! `POST /v1/posts`: writes a post.

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use database::idempotency::{self, Begin};
use events::Origin;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};
use service_kit::{CurrentUser, IdempotencyKey, JsonBody, RequestContext};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Error;
use crate::event::origin;
use crate::finish::finish;
use crate::post::{Content, Draft, Id, MediaIds, Post};
use crate::store::Stored;

/// What an `Idempotency-Key` is used for here.
const SCOPE: &str = "create post";

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewPost {
    /// 1 to 5,000 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 5000,
        pattern = r"[^\s\u0085]",
        example = "A bird over the sea"
    )]
    content: String,
    /// Up to 10 different ids. Clients that have none also send `null`.
    #[schema(value_type = Option<HashSet<Id>>, max_items = 10)]
    media_ids: Option<Vec<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedPost {
    success: bool,
    message: &'static str,
    new_post: Post,
}

/// Publishes a post.
///
/// The same request under the same `Idempotency-Key` gets the same answer again, for an hour.
#[utoipa::path(
    post,
    path = "/v1/posts",
    operation_id = "createPost",
    tag = "posts",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewPost,
    responses(
        (status = 201, body = CreatedPost, headers(("Location" = String, description = "The post's path"))),
        (status = 409, body = service_kit::openapi::ProblemDocument, content_type = "application/problem+json",
            description = "A request with this Idempotency-Key is being worked on."),
    ),
)]
pub async fn create(
    State(app): State<App>,
    user: CurrentUser,
    context: RequestContext,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body): JsonBody<NewPost>,
) -> Result<Response, Error> {
    let draft = Draft {
        author: Id::parse(&user.id).ok_or(Error::NoAccount)?,
        content: Content::parse(&body.content)?,
        media_ids: MediaIds::parse(&body.media_ids.unwrap_or_default())?,
    };
    let answer = finish(async move {
        match key {
            Some(key) => write_once(&app, &key, draft, context).await,
            None => write(&app, ObjectId::new().into(), draft, context).await,
        }
    })
    .await?;

    Ok(response(answer))
}

/// Writes the post unless an earlier request under `key` has done so.
async fn write_once(
    app: &App,
    key: &str,
    draft: Draft,
    context: RequestContext,
) -> Result<idempotency::Stored, Error> {
    let owner = draft.author.to_string();
    let fingerprint = fingerprint(&draft);
    let begun = app.idempotency.begin(SCOPE, &owner, key, &fingerprint);
    let guard = match begun.await? {
        Begin::Fresh(guard) => guard,
        Begin::Replay(answer) => return Ok(answer),
        Begin::Busy => return Err(Error::InProgress),
        Begin::Differs => return Err(Error::KeyReused),
    };
    let written = write(app, guard.subject().into(), draft, context).await;

    guard.conclude(written).await
}

async fn write(
    app: &App,
    id: Id,
    draft: Draft,
    context: RequestContext,
) -> Result<idempotency::Stored, Error> {
    let written = keep(app, id, draft, origin(context)).await;
    app.pages.changed().await;
    let (stored, author) = written?;
    if author == Author::IsThere {
        app.relay.announce(stored.clone());
    }

    let created = CreatedPost {
        success: true,
        message: "the post was created",
        new_post: stored.post,
    };
    Ok(idempotency::Stored {
        status: StatusCode::CREATED.as_u16(),
        location: Some(format!("/v1/posts/{id}")),
        body: serde_json::to_string(&created).expect("a post is always writable as JSON"),
    })
}

/// Stores the post, and takes it back when its author's account has gone. Pages change after both.
async fn keep(app: &App, id: Id, draft: Draft, origin: Origin) -> Result<(Stored, Author), Error> {
    let author = draft.author;
    let stored = app.store.insert(id, draft, origin.clone()).await?;
    let author_now = look_for(app, author).await;
    if author_now == Author::IsGone {
        if let Some(deleted) = app.store.delete(id, author, origin).await? {
            app.relay.announce(deleted);
        }
        return Err(Error::NoAccount);
    }

    Ok((stored, author_now))
}

/// Whether the account was deleted while its owner wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    IsThere,
    IsGone,
    /// What is written stays written; the relay asks again before it announces it.
    Unknown,
}

async fn look_for(app: &App, author: Id) -> Author {
    match app.store.is_gone(author).await {
        Ok(false) => Author::IsThere,
        Ok(true) => Author::IsGone,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                user.id = %author,
                "a post is kept although its author may be gone"
            );
            Author::Unknown
        }
    }
}

/// What two requests must agree in to be the same.
fn fingerprint(draft: &Draft) -> Vec<u8> {
    let ids = draft.media_ids.as_ids().iter().flat_map(|id| id.bytes());
    let mut bytes: Vec<u8> = ids.collect();
    // The ids have a fixed length, so their number tells where the content begins.
    bytes.insert(
        0,
        u8::try_from(draft.media_ids.as_ids().len()).unwrap_or(u8::MAX),
    );
    bytes.extend_from_slice(draft.content.as_str().as_bytes());

    bytes
}

fn response(answer: idempotency::Stored) -> Response {
    let mut response = answer.body.into_response();
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(location) = answer.location.and_then(|path| path.parse().ok()) {
        headers.insert(LOCATION, location);
    }

    response
}
