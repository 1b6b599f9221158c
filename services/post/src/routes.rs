//! The whole API of the service.

use axum::Router;
use axum::routing::{get, post};
use service_kit::deprecated;

use crate::app::App;
use crate::create::create;
use crate::delete::delete;
use crate::list::list;
use crate::read::read;

const SUCCESSOR: &str = r#"</v1/posts>; rel="successor-version""#;

pub fn routes(app: App) -> Router {
    // The paths of older clients.
    let old_paths = Router::new()
        .route("/v1/posts/create-post", post(create))
        .route("/v1/posts/getall-posts", get(list));

    Router::new()
        .route("/v1/posts", get(list).post(create))
        .route("/v1/posts/{id}", get(read).delete(delete))
        .merge(deprecated(old_paths, SUCCESSOR))
        .with_state(app)
}
