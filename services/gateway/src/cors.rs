//! Which pages of other origins may read the answers: <https://fetch.spec.whatwg.org/#http-cors-protocol>.
//!
//! Tokens travel in a header that scripts set themselves, never in a cookie, so credentials need not be allowed.

use std::str::FromStr;

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-none-match, if-range, range, traceparent, x-request-id",
);
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "content-range, deprecation, etag, link, ratelimit, ratelimit-policy, retry-after, x-request-id",
);
/// Two hours, which is as long as browsers keep it.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// The origins whose pages may read answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    None,
    Any,
    These(Vec<HeaderValue>),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an origin: scheme://host or scheme://host:port")]
pub struct OriginError(String);

impl FromStr for Origins {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        match text.trim() {
            "" => Ok(Self::None),
            "*" => Ok(Self::Any),
            list => {
                let origins: Result<_, _> = list.split(',').map(origin).collect();
                origins.map(Self::These)
            }
        }
    }
}

fn origin(text: &str) -> Result<HeaderValue, OriginError> {
    let text = text.trim();
    let uri: Option<Uri> = text.parse().ok();
    let scheme = uri.as_ref().and_then(Uri::scheme_str);
    let authority = uri.as_ref().and_then(Uri::authority);
    if let (Some(scheme), Some(authority)) = (scheme, authority)
        && text == format!("{scheme}://{authority}")
        && text == text.to_ascii_lowercase()
        && !text.contains('@')
        && let Ok(value) = HeaderValue::from_str(text)
    {
        return Ok(value);
    }

    Err(OriginError(text.to_owned()))
}

impl Origins {
    /// What pages of the origin that `headers` name are told; none when they may read nothing.
    pub fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let asking = headers.get(ORIGIN)?;
        match self {
            Self::None => None,
            Self::Any => Some(ANY),
            Self::These(origins) => origins.iter().find(|origin| *origin == asking).cloned(),
        }
    }

    /// Adds to an answer what its reader's browser asks for; `allowed` is what was said of its origin.
    pub fn write(&self, allowed: Option<HeaderValue>, headers: &mut HeaderMap) {
        if matches!(self, Self::These(_)) {
            // Also when nothing is allowed: a cache must not give that answer to an origin that may read it.
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(allowed) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        }
    }
}

/// Whether a browser asks if a script may send a request.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to that, for a path that answers `methods`.
pub fn preflight(methods: &str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    if let Ok(methods) = HeaderValue::from_str(methods) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);

    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(setting: &str, asking: &'static str) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(asking));

        setting
            .parse::<Origins>()
            .expect("origins")
            .allowed(&headers)
    }

    #[test]
    fn a_list_allows_what_is_in_it_to_the_letter() {
        let list = "https://app.example, http://localhost:3000";

        assert_eq!(
            allowed(list, "http://localhost:3000"),
            Some(HeaderValue::from_static("http://localhost:3000"))
        );
        for other in [
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil",
            "https://evil.app.example",
            "null",
        ] {
            assert_eq!(allowed(list, other), None, "{other}");
        }
    }

    #[test]
    fn a_star_allows_everybody_and_nothing_nobody() {
        assert_eq!(allowed("*", "https://app.example"), Some(ANY));
        assert_eq!(allowed("", "https://app.example"), None);
    }

    #[test]
    fn what_no_browser_sends_as_an_origin_is_refused() {
        for bad in [
            "app.example",
            "https://app.example/",
            "https://App.example",
            "https://a@app.example",
            "https://app.example,*",
            "https://app.example,",
            "null",
        ] {
            assert!(bad.parse::<Origins>().is_err(), "{bad}");
        }
    }
}
