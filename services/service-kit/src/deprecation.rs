//! Paths that are kept for older clients.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{HeaderName, LINK};
use axum::middleware::map_response;
use axum::response::Response;

/// RFC 9745: since when the paths are deprecated, here 1 January 2026.
const SINCE: HeaderValue = HeaderValue::from_static("@1767225600");

/// `routes`, whose answers say that they are deprecated, and in favour of what: a `Link` value such as
/// `</v1/posts>; rel="successor-version"`.
pub fn deprecated<S: Clone + Send + Sync + 'static>(
    routes: Router<S>,
    successor: &'static str,
) -> Router<S> {
    routes.layer(map_response(move |mut response: Response| {
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("deprecation"), SINCE);
        headers.append(LINK, HeaderValue::from_static(successor));
        std::future::ready(response)
    }))
}
