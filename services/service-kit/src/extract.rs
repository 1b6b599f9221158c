//! Reading what a request carries, and saying plainly what is wrong with it.

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;

use crate::Problem;

/// The largest JSON body that is read: the longest post, 5,000 characters, each as two `\uXXXX` escapes, and room for
/// the rest.
pub const MAX_JSON_BYTES: usize = 64 * 1024;

/// A JSON body.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

/// The query of a URL.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "the body must be JSON, with content-type application/json",
            ));
        }
        if content_length(request.headers()).is_some_and(|length| length > MAX_JSON_BYTES as u64) {
            return Err(Problem::too_large(MAX_JSON_BYTES as u64));
        }

        parse(&read(request.into_body()).await?).map(Self)
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    axum::body::to_bytes(body, MAX_JSON_BYTES)
        .await
        .map(Into::into)
        .map_err(|error| {
            if std::error::Error::source(&error)
                .is_some_and(|source| source.is::<LengthLimitError>())
            {
                Problem::too_large(MAX_JSON_BYTES as u64)
            } else {
                Problem::malformed("broken_body", "the body ended before it was whole")
            }
        })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.inner();
        match inner.classify() {
            serde_json::error::Category::Data => {
                let inner = inner.to_string();
                // A field that is missing has no path of its own; serde names it in the message.
                match inner
                    .strip_prefix("missing field `")
                    .and_then(|rest| rest.split_once('`'))
                {
                    Some((field, _)) => {
                        Problem::refused("invalid_field", field.to_owned(), inner.clone())
                    }
                    None if path == "." => {
                        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", inner)
                    }
                    None => {
                        Problem::refused("invalid_field", path.clone(), format!("{path}: {inner}"))
                    }
                }
            }
            _ => malformed(inner),
        }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    // serde also reads the fields of a struct from an array, by their order.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_field",
            "the body must be a JSON object",
        ));
    }

    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::malformed("malformed_json", format!("the body is not JSON: {error}"))
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(value) = Query::from_request_parts(parts, state).await.map_err(
            |rejection: QueryRejection| {
                let reason = std::error::Error::source(&rejection)
                    .map_or_else(|| rejection.to_string(), ToString::to_string);
                Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid_parameter",
                    format!("the query cannot be used: {reason}"),
                )
            },
        )?;

        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Sample {
        name: String,
    }

    fn refusal(body: &str) -> (u16, &'static str) {
        let problem = parse::<Sample>(body.as_bytes()).expect_err("refused");
        (problem.status().as_u16(), problem.code())
    }

    #[test]
    fn a_good_body_is_read() {
        assert_eq!(
            parse::<Sample>(br#"{"name":"a"}"#).expect("read"),
            Sample { name: "a".into() }
        );
    }

    #[test]
    fn broken_json_is_malformed() {
        for body in ["", "{", "{\"name\":\"a\"", "{\"name\":\"a\"} x"] {
            assert_eq!(refusal(body), (400, "malformed_json"), "{body:.20}");
        }
    }

    #[test]
    fn a_wrong_or_missing_field_is_refused() {
        for body in [
            "{}",
            r#"{"name":1}"#,
            r#"{"name":null}"#,
            "[]",
            r#" ["a"]"#,
            "1",
        ] {
            assert_eq!(refusal(body), (422, "invalid_field"), "{body}");
        }
    }
}
