//! The name a client gives to a request so that it takes place once, however often it is sent.

use axum::extract::FromRequestParts;
use axum::http::header::RETRY_AFTER;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use crate::Problem;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const MAX_KEY_BYTES: usize = 255;

/// The `Idempotency-Key` of a request, if it has one: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl IdempotencyKey {
    /// The key in `headers`.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        let is_key = |key: &&str| {
            (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
        };
        let key = value.to_str().ok().filter(is_key);

        match (key, values.next()) {
            (Some(key), None) => Ok(Self(Some(key.to_owned()))),
            _ => Err(Problem::refused(
                "invalid_idempotency_key",
                "Idempotency-Key",
                format!(
                    "Idempotency-Key is one header of 1 to {MAX_KEY_BYTES} visible ASCII characters"
                ),
            )),
        }
    }

    /// 422: the key was sent before, with another request.
    pub fn reused() -> Problem {
        Problem::refused(
            "idempotency_key_reused",
            "Idempotency-Key",
            "this Idempotency-Key belongs to another request",
        )
    }

    /// 409: the request is being worked on.
    pub fn in_progress() -> Problem {
        Problem::new(
            StatusCode::CONFLICT,
            "idempotency_in_progress",
            "a request with this Idempotency-Key is being worked on, try again",
        )
        .with_header(RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&[u8]]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value).expect("a header");
            headers.append(IDEMPOTENCY_KEY, value);
        }

        IdempotencyKey::of(&headers)
            .map(|IdempotencyKey(key)| key)
            .map_err(|problem| problem.code())
    }

    #[test]
    fn a_key_is_visible_and_short() {
        let longest = "k".repeat(MAX_KEY_BYTES);
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&[b"8e03978e-40d5"]), Ok(Some("8e03978e-40d5".into())));
        assert_eq!(key(&[longest.as_bytes()]), Ok(Some(longest)));

        let too_long = "k".repeat(MAX_KEY_BYTES + 1);
        let bad: [&[&[u8]]; 6] = [
            &[b""],
            &[b"a b"],
            &[b"a\tb"],
            &[b"\xc3\xa9"],
            &[b"a", b"a"],
            &[too_long.as_bytes()],
        ];
        for values in bad {
            assert_eq!(key(values), Err("invalid_idempotency_key"), "{values:?}");
        }
    }
}
