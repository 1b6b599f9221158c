//! Which headers pass the gateway, and which it sets.

use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, EXPECT, HOST, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, REFERRER_POLICY, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};
use service_kit::RequestContext;

use crate::client::{Client, FORWARDED_FOR, FORWARDED_PROTO};

/// About one connection and not about the message: RFC 9110, 7.6.1.
static HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What only a proxy may say about a client, besides everything that begins with `x-forwarded-`.
static ABOUT_THE_CLIENT: [HeaderName; 3] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-user-id"),
];

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Set on an answer that says nothing about it: nothing is guessed, framed, referred to or kept.
const PROTECTION: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// The headers of a client's request as a service gets them: its own words about itself replaced by what is known.
pub fn for_service(
    asked: &HeaderMap,
    uri: &Uri,
    client: &Client,
    context: &RequestContext,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(asked.len() + 6);
    for (name, value) in asked {
        if is_passed_on(name) {
            headers.append(name, value.clone());
        }
    }
    for name in named_by_connection(asked) {
        headers.remove(name);
    }
    let authority = uri.authority();
    let host = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host.or_else(|| asked.get(HOST).cloned()) {
        headers.insert(FORWARDED_HOST, host);
    }
    if let Ok(address) = HeaderValue::try_from(client.address.to_string()) {
        headers.insert(FORWARDED_FOR, address);
    }
    headers.insert(FORWARDED_PROTO, client.scheme.clone());
    context.write(&mut headers);

    headers
}

fn is_passed_on(name: &HeaderName) -> bool {
    // `Expect` is answered here: the gateway reads the body when the service does.
    let is_own = *name == HOST || *name == EXPECT || HOP_BY_HOP.contains(name);

    !is_own && !ABOUT_THE_CLIENT.contains(name) && !name.as_str().starts_with("x-forwarded-")
}

/// The headers that `Connection` names.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect()
}

/// Whether a request says anything else than `chunked` about how its body is sent. There is one reading of that (what
/// comes last counts), but not everybody's.
pub fn is_length_unclear(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let first = codings.next();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");

    codings.next().is_some() || first.is_some_and(|coding| !is_chunked(coding))
}

/// Whether a request names no host or several: RFC 9112, 3.2. Before HTTP/1.1 it did not have to name one.
pub fn is_host_unclear(parts: &Parts) -> bool {
    let hosts = parts.headers.get_all(HOST).iter().count();

    hosts > 1 || hosts == 0 && parts.version > Version::HTTP_10
}

/// Removes what belongs to the connection a message came by, the headers that `Connection` names among it.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if !headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        return;
    }
    let named = named_by_connection(headers);
    for name in named {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

pub fn protect(headers: &mut HeaderMap) {
    for (name, value) in PROTECTION {
        headers.entry(name).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn sent_on(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let context = RequestContext {
            request_id: "r-1".to_owned(),
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
        };
        let headers = headers(pairs);
        let client = Client::of([192, 0, 2, 7].into(), &headers, 0);
        for_service(&headers, &Uri::from_static("/v1/posts"), &client, &context)
    }

    #[test]
    fn what_a_client_claims_about_itself_is_replaced() {
        let sent = sent_on(&[
            ("host", "social.example"),
            ("accept", "application/json"),
            ("authorization", "Bearer t"),
            ("x-user-id", "673301c8e4b0a1b2c3d4e5f7"),
            ("x-user-id", "again"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-prefix", "/evil"),
            ("x-real-ip", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1"),
            ("x-request-id", "claimed"),
        ]);

        assert_eq!(
            sent,
            headers(&[
                ("accept", "application/json"),
                ("authorization", "Bearer t"),
                ("x-forwarded-for", "192.0.2.7"),
                ("x-forwarded-host", "social.example"),
                ("x-forwarded-proto", "http"),
                ("x-request-id", "r-1"),
                (
                    "traceparent",
                    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
                ),
            ])
        );
    }

    #[test]
    fn what_belongs_to_the_connection_stays_behind() {
        let mut seen = headers(&[
            ("connection", "keep-alive, X-Secret"),
            ("connection", "x-other"),
            ("keep-alive", "timeout=5"),
            ("x-secret", "1"),
            ("x-other", "2"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("content-type", "application/json"),
        ]);
        strip_hop_by_hop(&mut seen);

        assert_eq!(seen, headers(&[("content-type", "application/json")]));
    }

    #[test]
    fn a_client_cannot_remove_what_the_gateway_sets() {
        let sent = sent_on(&[("connection", "x-forwarded-for, x-request-id, traceparent")]);

        for name in ["x-forwarded-for", "x-request-id", "traceparent"] {
            assert!(sent.contains_key(name), "{name}");
        }
    }

    #[test]
    fn an_answer_that_speaks_for_itself_is_left_alone() {
        let mut answer = headers(&[("cache-control", "public, max-age=300")]);
        protect(&mut answer);

        assert_eq!(answer[CACHE_CONTROL], "public, max-age=300");
        assert_eq!(answer[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
