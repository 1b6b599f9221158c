//! Who is asking, as the access token says.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use token::{Rejected, Verifier};

use crate::Problem;

/// The person a request speaks for. A handler that takes one cannot be reached without a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentUser {
    /// 24 hex digits.
    pub id: String,
    pub name: String,
}

impl CurrentUser {
    /// The bearer of the token in `headers`.
    pub fn of(headers: &HeaderMap, verifier: &Verifier) -> Result<Self, Problem> {
        let token = bearer(headers).ok_or_else(|| {
            Problem::unauthorized(
                "token_missing",
                "an access token is needed: Authorization: Bearer …",
            )
        })?;
        let subject = verifier.verify(token).map_err(|rejected| match rejected {
            Rejected::Expired => {
                Problem::unauthorized("token_expired", "the access token has expired")
            }
            Rejected::Invalid => {
                Problem::unauthorized("token_invalid", "the access token is not valid")
            }
        })?;

        Ok(Self {
            id: subject.user_id,
            name: subject.user_name,
        })
    }
}

/// The bearer token of a request, if it has exactly one `Authorization` header that carries one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let is_only = values.next().is_none();

    (is_only && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

impl<S: Sync> FromRequestParts<S> for CurrentUser
where
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers, &Arc::from_ref(state))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_one_bearer_token_counts() {
        let cases: [(&[&str], Option<&str>); 5] = [
            (&["Bearer a"], Some("a")),
            (&["bearer a"], Some("a")),
            (&["Basic a"], None),
            (&["Bearer a", "Bearer b"], None),
            (&[], None),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(
                    AUTHORIZATION,
                    HeaderValue::from_str(value).expect("a header"),
                );
            }
            assert_eq!(bearer(&headers), expected, "{values:?}");
        }
    }
}
