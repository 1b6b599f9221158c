//! Which request this is: an id for logs and answers, and a W3C trace context for whoever joins them.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use std::convert::Infallible;
use uuid::Uuid;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const MAX_REQUEST_ID_BYTES: usize = 128;

/// What a request is called, here and in whatever it causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// As the caller gave it, or 32 hex digits of our own.
    pub request_id: String,
    /// `00-<trace>-<span>-<flags>`, the span being ours: <https://www.w3.org/TR/trace-context/>.
    pub traceparent: String,
}

impl RequestContext {
    /// Takes the id and the trace a caller sent when they are well formed, and makes new ones otherwise.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = text(REQUEST_ID)
            .filter(|id| !id.is_empty() && id.len() <= MAX_REQUEST_ID_BYTES)
            .filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic()))
            .map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned);
        let span = Uuid::new_v4().as_u64_pair().0;
        let traceparent = match text(TRACEPARENT).and_then(trace_and_flags) {
            Some((trace, flags)) => format!("00-{trace}-{span:016x}-{flags}"),
            None => format!("00-{}-{span:016x}-00", Uuid::new_v4().simple()),
        };

        Self {
            request_id,
            traceparent,
        }
    }

    /// Writes id and trace into the headers of a request or an answer.
    pub fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            (REQUEST_ID, &self.request_id),
            (TRACEPARENT, &self.traceparent),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
    }

    pub(crate) fn trace_id(&self) -> &str {
        self.traceparent.split('-').nth(1).unwrap_or_default()
    }
}

/// The trace id and flags of a `traceparent` of version 00, if that is what it is.
fn trace_and_flags(header: &str) -> Option<(&str, &str)> {
    let mut parts = header.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let valid = parts.next().is_none()
        && version == "00"
        && is_hex(trace, 32)
        && !is_zero(trace)
        && is_hex(span, 16)
        && !is_zero(span)
        && is_hex(flags, 2);

    valid.then_some((trace, flags))
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Set for every request by the layer around the routes; made here only when a route is tried without it.
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(name: HeaderName, value: &str) -> RequestContext {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        RequestContext::of(&headers)
    }

    #[test]
    fn a_callers_request_id_is_kept() {
        assert_eq!(context(REQUEST_ID, "a-1").request_id, "a-1");
    }

    #[test]
    fn a_request_id_that_could_spoil_a_log_is_replaced() {
        for bad in ["", "a b", &"a".repeat(129)] {
            assert_eq!(context(REQUEST_ID, bad).request_id.len(), 32, "{bad:?}");
        }
    }

    #[test]
    fn a_callers_trace_goes_on_in_a_new_span() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let ours = context(TRACEPARENT, parent).traceparent;

        assert!(
            ours.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
            "{ours}"
        );
        assert!(ours.ends_with("-01"), "{ours}");
        assert_ne!(ours, parent);
    }

    #[test]
    fn a_broken_trace_is_replaced() {
        for bad in [
            "00-x",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-0-0-0",
        ] {
            let ours = context(TRACEPARENT, bad).traceparent;
            assert!(trace_and_flags(&ours).is_some(), "{ours}");
        }
    }
}
