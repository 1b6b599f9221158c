//! The whole API of the service.

use axum::Router;
use axum::routing::{get, post};
use service_kit::deprecated;

use crate::app::App;
use crate::download::download;
use crate::upload::upload;

const SUCCESSOR: &str = r#"</v1/media>; rel="successor-version""#;

pub fn routes(app: App) -> Router {
    // The path of older clients.
    let old_paths = Router::new().route("/v1/media/upload-media", post(upload));

    Router::new()
        .route("/v1/media", post(upload))
        .route("/v1/media/{id}", get(download))
        .merge(deprecated(old_paths, SUCCESSOR))
        .with_state(app)
}
