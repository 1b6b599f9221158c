//! The public keys, for whoever wants to check a token.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

use crate::app::App;

/// Long enough to spare the service, short enough that a new key is known before it is used.
const CACHING: &str = "public, max-age=300";

/// The public keys of access tokens, as a JSON Web Key Set.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "readKeys",
    tag = "sessions",
    responses((status = 200, body = Object, content_type = "application/json")),
)]
pub async fn key_set(State(app): State<App>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, CACHING)],
        app.authenticator.key_set(),
    )
}
