//! Taking a file.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use database::idempotency::{self, Begin};
use mongodb::bson::oid::ObjectId;
use serde::Serialize;
use service_kit::{CurrentUser, IdempotencyKey};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Error;
use crate::form::{File, Form};
use crate::image_header::ImageHeader;
use crate::incoming::Incoming;
use crate::media::MediaId;
use crate::media_type::{MediaType, SIGNATURE_BYTES};
use crate::origin;
use crate::store::NewMedia;

/// What an `Idempotency-Key` is used for here.
const SCOPE: &str = "upload media";

/// The form of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described: the form is read piece by piece")]
pub struct UploadForm {
    /// The file; what it is, is read from its first bytes.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uploaded {
    success: bool,
    media_id: String,
    /// Where the file can be fetched, under the host this request was sent to.
    url: String,
    message: &'static str,
}

/// Uploads a picture or film.
///
/// It is removed again unless a post of the same person shows it within a day (a setting). The same request under the
/// same `Idempotency-Key` gets the same answer again, for an hour.
#[utoipa::path(
    post,
    path = "/v1/media",
    operation_id = "uploadMedia",
    tag = "media",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = Uploaded, headers(("Location" = String, description = "The file's path"))),
        (status = 409, body = service_kit::openapi::ProblemDocument, content_type = "application/problem+json",
            description = "A request with this Idempotency-Key is being worked on."),
    ),
)]
pub async fn upload(
    State(app): State<App>,
    user: CurrentUser,
    IdempotencyKey(key): IdempotencyKey,
    request: Request,
) -> Result<Response, Error> {
    let origin = origin::of(request.headers()).ok_or(Error::NoHost)?;
    let Some(key) = key else {
        let answer = store_new(&app, &user, ObjectId::new(), &origin, request).await?;
        return Ok(response(answer));
    };
    let fingerprint = fingerprint(request.headers());
    let begun = app.idempotency.begin(SCOPE, &user.id, &key, &fingerprint);
    let guard = match begun.await? {
        Begin::Fresh(guard) => guard,
        Begin::Replay(answer) => return Ok(response(answer)),
        Begin::Busy => return Err(Error::InProgress),
        Begin::Differs => return Err(Error::KeyReused),
    };
    // An earlier holder of the key may have died between the file and the answer.
    let id = guard.subject();
    let answer = match app.store.find(MediaId(id.bytes())).await? {
        Some(_) => Ok(answer(MediaId(id.bytes()), &origin)),
        None => store_new(&app, &user, id, &origin, request).await,
    };

    Ok(response(guard.conclude(answer).await?))
}

/// What tells two uploads apart before they are read: their lengths. To compare bytes, all of them would have to be
/// there first.
fn fingerprint(headers: &HeaderMap) -> Vec<u8> {
    headers
        .get(CONTENT_LENGTH)
        .map(|length| length.as_bytes().to_vec())
        .unwrap_or_default()
}

async fn store_new(
    app: &App,
    user: &CurrentUser,
    id: ObjectId,
    origin: &str,
    request: Request,
) -> Result<idempotency::Stored, Error> {
    let mut form = Form::open(request, app.limits.max_upload_bytes)?;
    let id = receive(app, user, MediaId(id.bytes()), &mut form).await?;
    if let Some(refused) = refused(app, user).await? {
        app.store.remove_one(id).await?;
        return Err(refused);
    }
    tracing::info!(media.id = %id, user.id = %user.id, "stored a file");

    Ok(answer(id, origin))
}

/// Why a file that is stored may not stay. Asked afterwards, because only then other uploads of the same person and
/// the deletion of the account cannot slip through any more.
async fn refused(app: &App, user: &CurrentUser) -> Result<Option<Error>, Error> {
    if app.store.is_gone(&user.id).await? {
        return Ok(Some(Error::NoAccount));
    }
    let limit = app.limits.user_quota_bytes;
    let taken = app.store.bytes_of(&user.id).await?;

    Ok((taken > limit).then_some(Error::Quota { limit }))
}

/// Stores the one file of `form`. The form is read to its end before the file is kept: only then it is known to be
/// whole and alone.
async fn receive(
    app: &App,
    user: &CurrentUser,
    id: MediaId,
    form: &mut Form,
) -> Result<MediaId, Error> {
    let mut parts = form.parts();
    let file = parts.next_file().await?.ok_or(Error::NoFile)?;
    let incoming = store(app, user, id, file).await?;
    if parts.next_file().await?.is_some() {
        return Err(Error::SecondFile);
    }

    Ok(incoming.keep().await?)
}

async fn store(
    app: &App,
    user: &CurrentUser,
    id: MediaId,
    mut file: File<'_>,
) -> Result<Incoming, Error> {
    let mut head = BytesMut::new();
    while head.len() < SIGNATURE_BYTES {
        match file.next().await? {
            Some(bytes) => head.extend_from_slice(&bytes),
            None if head.is_empty() => return Err(Error::Empty),
            None => break,
        }
    }
    let media_type = MediaType::of(&head)
        .filter(|kind| app.limits.allowed_types.contains(kind))
        .ok_or_else(|| Error::TypeNotAllowed(app.limits.allowed_types.clone()))?;

    let mut header = ImageHeader::of(media_type);
    header.read(&head)?;
    let new = NewMedia::new(id, user.id.clone(), media_type);
    let mut incoming = app.store.begin(new);
    incoming.write(head.freeze()).await?;
    loop {
        incoming.ready().await?;
        let Some(bytes) = file.next().await? else {
            break;
        };
        header.read(&bytes)?;
        incoming.write(bytes).await?;
    }
    header.finish()?;

    Ok(incoming)
}

fn answer(id: MediaId, origin: &str) -> idempotency::Stored {
    let path = format!("/v1/media/{id}");
    let uploaded = Uploaded {
        success: true,
        media_id: id.to_string(),
        url: format!("{origin}{path}"),
        message: "the file was uploaded",
    };

    idempotency::Stored {
        status: StatusCode::CREATED.as_u16(),
        location: Some(path),
        body: serde_json::to_string(&uploaded).expect("text is always writable as JSON"),
    }
}

fn response(answer: idempotency::Stored) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::CREATED);
    let mut response = (status, [(CONTENT_TYPE, "application/json")], answer.body).into_response();
    if let Some(location) = answer
        .location
        .and_then(|location| HeaderValue::try_from(location).ok())
    {
        response.headers_mut().insert(LOCATION, location);
    }

    response
}
