//! The whole API of the service.

use axum::Router;
use axum::routing::{get, post};
use service_kit::{deprecated, openapi};
use utoipa::openapi::path::HttpMethod;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::create::{__path_create, create};
use crate::delete::{__path_delete, delete};
use crate::edit::{__path_edit, edit};
use crate::list::{__path_list, list};
use crate::read::{__path_read, read};

const LIST: &str = "/v1/posts";
const OLD_CREATE: &str = "/v1/posts/create-post";
const OLD_LIST: &str = "/v1/posts/getall-posts";
const SUCCESSOR: &str = r#"</v1/posts>; rel="successor-version""#;

pub fn routes(app: App) -> Router {
    let mut router = OpenApiRouter::with_openapi(openapi::service("Posts"))
        .routes(routes!(list, create))
        .routes(routes!(read, edit, delete));
    let api = router.get_openapi_mut();
    openapi::describe_deprecated(api, HttpMethod::Post, OLD_CREATE, LIST);
    openapi::describe_deprecated(api, HttpMethod::Get, OLD_LIST, LIST);
    // The paths of older clients.
    let old_paths = Router::new()
        .route(OLD_CREATE, post(create))
        .route(OLD_LIST, get(list));

    openapi::serve(router)
        .merge(deprecated(old_paths, SUCCESSOR))
        .with_state(app)
}
