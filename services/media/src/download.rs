//! Handing out a file, whole or in part. No token is asked for: an `<img>` cannot send one.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, Method, Response, StatusCode};
use axum::response::IntoResponse;
use futures::TryStreamExt;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Error;
use crate::media::MediaId;
use crate::range::{self, Wanted};
use crate::store::Stored;

/// What an id names never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Opened as a page of its own, a file may show itself and do nothing else.
const POLICY: &str =
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox";

/// The bytes of a file, of the type that was read from them.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only described: bytes are handed out as they are")]
pub struct Bytes(Vec<u8>);

/// Hands a file out.
#[utoipa::path(
    get,
    path = "/v1/media/{id}",
    operation_id = "fetchMedia",
    tag = "media",
    params(
        ("id" = String, Path, description = "24 hex digits", pattern = "^[0-9a-fA-F]{24}$"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-Range" = Option<String>, Header, description = "The range only if the file has this tag"),
        ("If-None-Match" = Option<String>, Header, description = "Tags of what the client has"),
    ),
    responses(
        (status = 200, description = "The bytes", content((Bytes = "image/*"), (Bytes = "video/*")),
            headers(("ETag" = String, description = "The file's tag"))),
        (status = 206, description = "Some of the bytes", content((Bytes = "image/*"), (Bytes = "video/*")),
            headers(("Content-Range" = String, description = "Which of them"))),
        (status = 304, description = "The client has the file"),
        (status = 404, body = service_kit::openapi::ProblemDocument, content_type = "application/problem+json",
            description = "Nothing has this id, or not any more."),
        (status = 416, body = service_kit::openapi::ProblemDocument, content_type = "application/problem+json",
            description = "The range begins behind the end of the file."),
    ),
)]
pub async fn download(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response<Body>, Error> {
    let id = id
        .ok()
        .and_then(|Path(id)| MediaId::parse(&id))
        .ok_or(Error::MalformedId)?;
    let stored = app.store.find(id).await?.ok_or(Error::NotFound(id))?;
    let etag = stored.media.etag();
    if is_known(&headers, &etag) {
        let unchanged = [(ETAG, etag.as_str()), (CACHE_CONTROL, FOREVER)];
        return Ok((StatusCode::NOT_MODIFIED, unchanged).into_response());
    }

    let length = stored.media.length;
    // A range means something to GET alone.
    let wanted = if method == Method::GET {
        wanted(&headers, &etag, length)
    } else {
        Wanted::Whole
    };
    let (status, first, last) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0, length - 1),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last),
        Wanted::Unsatisfiable => return Err(Error::Range { length }),
    };
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        body(&app, &stored, first, last).await?
    };

    let media = &stored.media;
    let mut response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, media.media_type.as_str())
        .header(CONTENT_LENGTH, last - first + 1)
        .header(ETAG, etag)
        .header(CACHE_CONTROL, FOREVER)
        .header(ACCEPT_RANGES, "bytes")
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(CONTENT_SECURITY_POLICY, POLICY)
        .header(
            CONTENT_DISPOSITION,
            format!("inline; filename=\"{}\"", media.file_name()),
        );
    if status == StatusCode::PARTIAL_CONTENT {
        response = response.header(CONTENT_RANGE, format!("bytes {first}-{last}/{length}"));
    }

    Ok(response
        .body(body)
        .expect("every header above is made of ASCII the service wrote itself"))
}

/// The bytes from `first` to `last`. When they break off, so does the connection: the client sees that some are
/// missing, because their number was said before.
async fn body(app: &App, stored: &Stored, first: u64, last: u64) -> Result<Body, Error> {
    let id = stored.media.id;
    let bytes = app
        .store
        .read(stored, first, last)
        .await?
        .ok_or(Error::NotFound(id))?
        .inspect_err(move |error| {
            tracing::warn!(
                media.id = %id,
                error = error as &dyn std::error::Error,
                "a download broke off"
            );
        });

    Ok(Body::from_stream(bytes))
}

/// The client has the file already.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == etag || known == "*")
}

fn wanted(headers: &HeaderMap, etag: &str, length: u64) -> Wanted {
    let only = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    // A part is only of use to who has the rest of the same file.
    let is_same = !headers.contains_key(IF_RANGE) || only(IF_RANGE) == Some(etag);

    match only(RANGE) {
        Some(range) if is_same => range::wanted(range, length),
        _ => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const ETAG_OF_FILE: &str = "\"673301c8e4b0a1b2c3d4e5f6\"";

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_file_is_known_by_any_of_the_tags_a_client_names() {
        let cases = [
            ("*", true),
            (ETAG_OF_FILE, true),
            ("W/\"673301c8e4b0a1b2c3d4e5f6\"", true),
            ("\"a\", \"673301c8e4b0a1b2c3d4e5f6\"", true),
            ("\"a\"", false),
            ("673301c8e4b0a1b2c3d4e5f6", false),
            ("", false),
        ];
        for (value, expected) in cases {
            let headers = headers(&[(IF_NONE_MATCH, value)]);
            assert_eq!(is_known(&headers, ETAG_OF_FILE), expected, "{value}");
        }
    }

    #[test]
    fn a_part_of_another_file_is_not_asked_for() {
        let part = Wanted::Part { first: 0, last: 4 };
        let cases = [
            (headers(&[(RANGE, "bytes=0-4")]), part),
            (
                headers(&[(RANGE, "bytes=0-4"), (IF_RANGE, ETAG_OF_FILE)]),
                part,
            ),
            (
                headers(&[(RANGE, "bytes=0-4"), (IF_RANGE, "\"other\"")]),
                Wanted::Whole,
            ),
            (
                headers(&[(RANGE, "bytes=0-4"), (RANGE, "bytes=6-8")]),
                Wanted::Whole,
            ),
        ];
        for (headers, expected) in cases {
            assert_eq!(wanted(&headers, ETAG_OF_FILE, 10), expected, "{headers:?}");
        }
    }
}
