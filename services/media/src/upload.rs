//! Taking a file.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use serde::Serialize;
use service_kit::CurrentUser;

use crate::app::App;
use crate::error::Error;
use crate::form::{File, Form};
use crate::incoming::Incoming;
use crate::media::MediaId;
use crate::media_type::{MediaType, SIGNATURE_BYTES};
use crate::origin;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Uploaded {
    success: bool,
    media_id: String,
    url: String,
    message: &'static str,
}

pub async fn upload(
    State(app): State<App>,
    user: CurrentUser,
    request: Request,
) -> Result<Response, Error> {
    let origin = origin::of(request.headers()).ok_or(Error::NoHost)?;
    let mut form = Form::open(request, app.max_upload_bytes)?;
    let outcome = receive(&app, &user, &mut form).await;
    form.leave();
    let id = outcome?;
    tracing::info!(media.id = %id, user.id = %user.id, "stored a file");

    let path = format!("/v1/media/{id}");
    let uploaded = Uploaded {
        success: true,
        media_id: id.to_string(),
        url: format!("{origin}{path}"),
        message: "the file was uploaded",
    };
    Ok((StatusCode::CREATED, [(LOCATION, path)], Json(uploaded)).into_response())
}

/// Stores the one file of `form`. The form is read to its end before the file is kept: only then it is known to be
/// whole and alone.
async fn receive(app: &App, user: &CurrentUser, form: &mut Form) -> Result<MediaId, Error> {
    let mut parts = form.parts();
    let file = parts.next_file().await?.ok_or(Error::NoFile)?;
    let incoming = store(app, user, file).await?;
    if parts.next_file().await?.is_some() {
        return Err(Error::SecondFile);
    }

    Ok(incoming.keep().await?)
}

async fn store(app: &App, user: &CurrentUser, mut file: File<'_>) -> Result<Incoming, Error> {
    let mut head = BytesMut::new();
    while head.len() < SIGNATURE_BYTES {
        match file.next().await? {
            Some(bytes) => head.extend_from_slice(&bytes),
            None if head.is_empty() => return Err(Error::Empty),
            None => break,
        }
    }
    let media_type = MediaType::of(&head).ok_or(Error::TypeNotAllowed)?;

    let mut incoming = app.store.begin(user.id.clone(), media_type);
    incoming.write(head.freeze()).await?;
    while let Some(bytes) = file.next().await? {
        incoming.write(bytes).await?;
    }

    Ok(incoming)
}
