//! The whole API of the service.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::map_response;
use axum::response::Response;
use service_kit::openapi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::{
    account, change_password, key_set, login, logout, password, refresh, register, sessions,
};

pub fn routes(app: App) -> Router {
    let mut router = OpenApiRouter::with_openapi(openapi::service("Accounts"))
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(account::read, account::delete))
        .routes(routes!(change_password::change_password))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end))
        .layer(map_response(never_stored))
        .routes(routes!(key_set::key_set));
    password::describe(router.get_openapi_mut(), app.password_min_length);

    openapi::serve(router).with_state(app)
}

/// Tokens must not stay in anybody's cache: RFC 6749, 5.1.
async fn never_stored(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
