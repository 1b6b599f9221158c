//! The one shape of every failure: a problem document (RFC 9457) that also carries what older clients read.

use std::borrow::Cow;
use std::error::Error;

use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The `Content-Type` of every failure.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal or a failure, as the caller sees it.
///
/// As a response it has no body until the layer around the routes writes it, because only that knows the request's id.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The body of every failure: a problem document (RFC 9457), with what older clients read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// A page about failures of this kind.
    r#type: String,
    /// The status in words.
    title: &'a str,
    status: u16,
    /// A sentence for people.
    detail: &'a str,
    /// Stable, for programs.
    code: &'a str,
    /// The field or parameter whose value is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// What to tell whoever looks into the logs.
    request_id: &'a str,
    /// Always false.
    success: bool,
    /// The same as `detail`.
    message: &'a str,
}

impl Problem {
    /// `code` is stable and for programs; `detail` is a sentence for people.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            field: None,
            headers: Vec::new(),
        }
    }

    /// 400: the request itself cannot be read.
    pub fn malformed(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: we do not know who asks.
    pub fn unauthorized(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 422: the request can be read, but the value of `field` is refused.
    pub fn refused(
        code: &'static str,
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        problem.field = Some(field.into());
        problem
    }

    /// 413: the body is larger than `limit` bytes.
    pub fn too_large(limit: u64) -> Self {
        let detail = format!("the body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// 500: our fault. The whole chain of `error` goes to the log, none of it to the caller.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error, "failed to answer a request");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong on our side",
        )
    }

    /// 503: something we depend on is away. The chain of `error` goes to the log.
    pub fn unavailable(error: &(dyn Error + 'static)) -> Self {
        tracing::warn!(error, "a dependency is unavailable");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "the service is unavailable for a moment, try again",
        )
        .with_header(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 503: more requests than are worked on at once.
    pub fn overloaded() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "too many requests at once, try again",
        )
        .with_header(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 404: no such path.
    pub fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_path",
            "there is nothing at this path",
        )
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is said for an answer that failed without a problem of its own.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                status,
                "method_not_allowed",
                "this path does not answer this method",
            ),
            StatusCode::NOT_FOUND => Self::no_route(),
            status if status.is_server_error() => {
                Self::new(status, "internal", "something went wrong on our side")
            }
            status => Self::new(status, "refused", "the request was refused"),
        }
    }

    fn document(&self, request_id: &str) -> Vec<u8> {
        let document = Document {
            r#type: format!("/docs/problems#{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            field: self.field.as_deref(),
            request_id,
            success: false,
            message: &self.detail,
        };

        serde_json::to_vec(&document).expect("strings and a number are always writable as JSON")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.headers_mut().extend(self.headers.iter().cloned());
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the problem document of a failed answer; one that has its own already is left as it is.
pub(crate) fn render(mut response: Response, request_id: &str) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind == PROBLEM_JSON) =>
        {
            return response;
        }
        None => Problem::of_status(status),
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));

    Response::from_parts(parts, problem.document(request_id).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_carries_what_new_and_old_clients_read() {
        let problem = Problem::refused(
            "too_short",
            "password",
            "the password has fewer than 8 characters",
        );
        let document: serde_json::Value =
            serde_json::from_slice(&problem.document("r-1")).expect("JSON");

        assert_eq!(
            document,
            serde_json::json!({
                "type": "/docs/problems#too_short",
                "title": "Unprocessable Entity",
                "status": 422,
                "detail": "the password has fewer than 8 characters",
                "code": "too_short",
                "field": "password",
                "requestId": "r-1",
                "success": false,
                "message": "the password has fewer than 8 characters",
            })
        );
    }
}
