//! The public API: every path there is, who answers it, and what it takes.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, get, on};
use utoipa_axum::router::OpenApiRouter;

use self::Access::{Anyone, Token};
use self::Body::{Json, Upload};
use crate::app::App;
use crate::forward::forward;
use crate::rate_limit::Limit::{self, Auth, General};
use crate::upstream::Name::{self, Identity, Media, Post, Search};
use crate::{docs, instance, openapi, rate_limit};

/// One method of one path.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub upstream: Name,
    pub access: Access,
    pub body: Body,
    pub limit: Limit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Anyone,
    /// Only with a valid access token.
    Token,
}

/// What a request may carry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Body {
    Json,
    Upload,
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// The paths that clients of the former platform call stand beside the ones of today.
#[rustfmt::skip]
pub static ROUTES: [Route; 22] = [
    route(POST,   "/v1/auth/register",      Identity, Anyone, Json,   Auth),
    route(POST,   "/v1/auth/login",         Identity, Anyone, Json,   Auth),
    route(POST,   "/v1/auth/refresh-token", Identity, Anyone, Json,   Auth),
    route(POST,   "/v1/auth/logout",        Identity, Anyone, Json,   General),
    route(GET,    "/v1/auth/me",            Identity, Token,  Json,   General),
    route(DELETE, "/v1/auth/me",            Identity, Token,  Json,   General),
    route(POST,   "/v1/auth/password",      Identity, Token,  Json,   General),
    route(GET,    "/v1/auth/sessions",      Identity, Token,  Json,   General),
    route(DELETE, "/v1/auth/sessions/{id}", Identity, Token,  Json,   General),
    route(GET,    "/.well-known/jwks.json", Identity, Anyone, Json,   General),
    route(POST,   "/v1/posts",              Post,     Token,  Json,   General),
    route(POST,   "/v1/posts/create-post",  Post,     Token,  Json,   General),
    route(GET,    "/v1/posts",              Post,     Token,  Json,   General),
    route(GET,    "/v1/posts/getall-posts", Post,     Token,  Json,   General),
    route(GET,    "/v1/posts/{id}",         Post,     Token,  Json,   General),
    route(PATCH,  "/v1/posts/{id}",         Post,     Token,  Json,   General),
    route(DELETE, "/v1/posts/{id}",         Post,     Token,  Json,   General),
    route(POST,   "/v1/media",              Media,    Token,  Upload, General),
    route(POST,   "/v1/media/upload-media", Media,    Token,  Upload, General),
    // No token: an `<img>` cannot send one.
    route(GET,    "/v1/media/{id}",         Media,    Anyone, Json,   General),
    route(GET,    "/v1/search/posts",       Search,   Token,  Json,   General),
    route(GET,    "/v1/search/search-post", Search,   Token,  Json,   General),
];

/// The table as a router, and what the gateway answers itself. A path that is unknown is refused, and so is a method
/// that a path does not answer, token or not.
pub fn routes(app: Arc<App>) -> Router {
    let table = ROUTES.iter().fold(Router::new(), |router, route| {
        let method = MethodFilter::try_from(route.method.clone());
        let method = method.expect("the methods above are common ones");
        let handler = on(method, move |app, peer, context, request| {
            forward(route, app, peer, context, request)
        });
        router.route(route.path, handler)
    });
    let (own, _) = described().split_for_parts();
    let own = own
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(docs::redirect))
        .route("/docs/", get(docs::index))
        .route("/docs/{file}", get(docs::file))
        .route("/docs/problems", get(docs::problems))
        .layer(from_fn_with_state(app.clone(), rate_limit::limit));

    table.merge(own).with_state(app)
}

/// What the gateway answers itself as a part of the API.
pub fn described() -> OpenApiRouter<Arc<App>> {
    let about = service_kit::openapi::service("SocialPlatform");

    OpenApiRouter::with_openapi(about).routes(utoipa_axum::routes!(instance::instance))
}

/// The methods of a path by their names, for browsers that ask which may be used.
pub fn methods(path: &str) -> String {
    let methods: Vec<_> = ROUTES
        .iter()
        .filter(|route| route.path == path)
        .map(|route| route.method.as_str())
        .collect();
    if methods.is_empty() {
        // Of the gateway's own paths, all are only read.
        return Method::GET.to_string();
    }

    methods.join(", ")
}

const fn route(
    method: Method,
    path: &'static str,
    upstream: Name,
    access: Access,
    body: Body,
    limit: Limit,
) -> Route {
    Route {
        method,
        path,
        upstream,
        access,
        body,
        limit,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/api.md");

    #[test]
    fn the_documented_paths_are_the_ones_there_are() {
        let own = ["/v1/instance", "/openapi.json", "/docs", "/docs/problems"];
        let there_are: BTreeSet<_> = ROUTES
            .iter()
            .map(|route| format!("{} `{}`", route.method, route.path))
            .chain(own.iter().map(|path| format!("GET `{path}`")))
            .collect();
        let documented: BTreeSet<_> = DOCUMENT
            .lines()
            .filter(|line| line.starts_with('|'))
            .flat_map(|line| line.split('|').map(str::trim))
            .filter(|cell| cell.ends_with('`') && cell.contains(" `/"))
            .map(str::to_owned)
            .collect();

        assert_eq!(documented, there_are);
    }
}
