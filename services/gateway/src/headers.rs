//! Which headers pass the gateway, and which it sets.

use std::net::SocketAddr;

use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, EXPECT, HOST, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::Response;
use service_kit::RequestContext;

/// About one connection and not about the message: RFC 9110, 7.6.1.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What only a proxy may say about a client, besides everything that begins with `x-forwarded-`.
const ABOUT_THE_CLIENT: [&str; 3] = ["forwarded", "x-real-ip", "x-user-id"];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

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
    mut headers: HeaderMap,
    uri: &Uri,
    peer: SocketAddr,
    context: &RequestContext,
) -> HeaderMap {
    strip_hop_by_hop(&mut headers);
    let claims: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-forwarded-"))
        .cloned()
        .collect();
    for name in claims {
        headers.remove(name);
    }
    for name in ABOUT_THE_CLIENT {
        headers.remove(name);
    }
    // Answered here: the gateway reads the body when the service does.
    headers.remove(EXPECT);

    let asked = headers.remove(HOST);
    let host = uri
        .authority()
        .and_then(|authority| HeaderValue::from_str(authority.as_str()).ok())
        .or(asked);
    if let Some(host) = host {
        headers.insert(FORWARDED_HOST, host);
    }
    if let Ok(client) = HeaderValue::from_str(&peer.ip().to_canonical().to_string()) {
        headers.insert(FORWARDED_FOR, client);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    context.write(&mut headers);

    headers
}

/// Removes what belongs to the connection a message came by, the headers that `Connection` names among it.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

pub async fn protect(mut response: Response) -> Response {
    for (name, value) in PROTECTION {
        response.headers_mut().entry(name).or_insert(value);
    }

    response
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
        let peer = SocketAddr::from(([192, 0, 2, 7], 4711));
        for_service(
            headers(pairs),
            &Uri::from_static("/v1/posts"),
            peer,
            &context,
        )
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

    #[tokio::test]
    async fn an_answer_that_speaks_for_itself_is_left_alone() {
        let mut response = Response::default();
        let own = HeaderValue::from_static("public, max-age=300");
        response.headers_mut().insert(CACHE_CONTROL, own.clone());
        let protected = protect(response).await;

        assert_eq!(protected.headers()[CACHE_CONTROL], own);
        assert_eq!(protected.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
