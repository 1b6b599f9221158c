//! The whole API of the service.

use axum::Router;
use axum::routing::get;
use service_kit::{deprecated, openapi};
use utoipa::openapi::path::HttpMethod;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::query::{__path_search, search};

const SEARCH: &str = "/v1/search/posts";
const OLD_SEARCH: &str = "/v1/search/search-post";
const SUCCESSOR: &str = r#"</v1/search/posts>; rel="successor-version""#;

pub fn routes(app: App) -> Router {
    let mut router =
        OpenApiRouter::with_openapi(openapi::service("Search")).routes(routes!(search));
    openapi::describe_deprecated(
        router.get_openapi_mut(),
        HttpMethod::Get,
        OLD_SEARCH,
        SEARCH,
    );
    // The path of older clients.
    let old_paths = Router::new().route(OLD_SEARCH, get(search));

    openapi::serve(router)
        .merge(deprecated(old_paths, SUCCESSOR))
        .with_state(app)
}
