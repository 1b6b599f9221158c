//! The whole API of the service.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{HeaderName, LINK};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};

use crate::app::App;
use crate::download::download;
use crate::upload::upload;

/// RFC 9745. The date is that of the first release, 2026-11-23: it has never been the preferred spelling.
const DEPRECATION: (HeaderName, HeaderValue) = (
    HeaderName::from_static("deprecation"),
    HeaderValue::from_static("@1795392000"),
);

pub fn routes(app: App) -> Router {
    let older = post(upload).layer(map_response(deprecated));

    Router::new()
        .route("/v1/media", post(upload))
        .route("/v1/media/upload-media", older)
        .route("/v1/media/{id}", get(download))
        .with_state(app)
}

async fn deprecated(mut response: Response) -> Response {
    let (name, value) = DEPRECATION;
    let successor = HeaderValue::from_static("</v1/media>; rel=\"successor-version\"");
    response.headers_mut().insert(name, value);
    response.headers_mut().insert(LINK, successor);

    response
}
