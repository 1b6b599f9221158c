//! The whole API of the service.

use axum::Router;
use axum::routing::post;
use service_kit::{deprecated, openapi};
use utoipa::openapi::path::HttpMethod;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::download::{__path_download, download};
use crate::upload::{__path_upload, upload};

const UPLOAD: &str = "/v1/media";
const OLD_UPLOAD: &str = "/v1/media/upload-media";
const SUCCESSOR: &str = r#"</v1/media>; rel="successor-version""#;

pub fn routes(app: App) -> Router {
    let mut router = OpenApiRouter::with_openapi(openapi::service("Media"))
        .routes(routes!(upload))
        .routes(routes!(download));
    openapi::describe_deprecated(
        router.get_openapi_mut(),
        HttpMethod::Post,
        OLD_UPLOAD,
        UPLOAD,
    );
    // The path of older clients.
    let old_paths = Router::new().route(OLD_UPLOAD, post(upload));

    openapi::serve(router)
        .merge(deprecated(old_paths, SUCCESSOR))
        .with_state(app)
}
