//! The whole API of the service.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};

use crate::app::App;
use crate::{key_set, login, logout, refresh, register};

pub fn routes(app: App) -> Router {
    Router::new()
        .route("/v1/auth/register", post(register::register))
        .route("/v1/auth/login", post(login::login))
        .route("/v1/auth/refresh-token", post(refresh::refresh))
        .route("/v1/auth/logout", post(logout::logout))
        .layer(map_response(never_stored))
        .route("/.well-known/jwks.json", get(key_set::key_set))
        .with_state(app)
}

/// Tokens must not stay in anybody's cache: RFC 6749, 5.1.
async fn never_stored(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
