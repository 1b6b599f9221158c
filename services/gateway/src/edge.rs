//! The outermost ring: what holds for every answer, whoever made it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use crate::cors::{self, Origins};
use crate::headers::protect;
use crate::routes;

/// `routes`, none of whose answers leaves without its protection, and read by other origins only as `origins` say.
pub fn around(routes: Router, origins: Origins) -> Router {
    routes.layer(from_fn_with_state(Arc::new(origins), answer))
}

async fn answer(State(origins): State<Arc<Origins>>, request: Request, next: Next) -> Response {
    let allowed = origins.allowed(request.headers());
    let path = request.extensions().get::<MatchedPath>();
    let mut response = match path {
        Some(path)
            if allowed.is_some() && cors::is_preflight(request.method(), request.headers()) =>
        {
            cors::preflight(&routes::methods(path.as_str()))
        }
        _ => next.run(request).await,
    };
    origins.write(allowed, response.headers_mut());
    protect(response.headers_mut());

    response
}
