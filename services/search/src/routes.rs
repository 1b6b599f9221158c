//! The whole API of the service.

use axum::Router;
use axum::routing::get;
use service_kit::deprecated;

use crate::app::App;
use crate::query::search;

const SUCCESSOR: &str = r#"</v1/search/posts>; rel="successor-version""#;

pub fn routes(app: App) -> Router {
    // The path of older clients.
    let old_paths = Router::new().route("/v1/search/search-post", get(search));

    Router::new()
        .route("/v1/search/posts", get(search))
        .merge(deprecated(old_paths, SUCCESSOR))
        .with_state(app)
}
