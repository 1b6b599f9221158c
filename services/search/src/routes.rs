//! The whole API of the service.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{HeaderName, LINK};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;

use crate::app::App;
use crate::query::search;

/// RFC 9745: since when the path is deprecated, here 1 January 2026.
const DEPRECATED_SINCE: &str = "@1767225600";
const SUCCESSOR: &str = r#"</v1/search/posts>; rel="successor-version""#;

pub fn routes(app: App) -> Router {
    // The path of older clients.
    let deprecated = Router::new()
        .route("/v1/search/search-post", get(search))
        .layer(map_response(say_deprecated));

    Router::new()
        .route("/v1/search/posts", get(search))
        .merge(deprecated)
        .with_state(app)
}

async fn say_deprecated(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        HeaderName::from_static("deprecation"),
        HeaderValue::from_static(DEPRECATED_SINCE),
    );
    headers.append(LINK, HeaderValue::from_static(SUCCESSOR));
    response
}
