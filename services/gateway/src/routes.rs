//! The public API: every path there is, who answers it, and what it takes.

use axum::Router;
use axum::middleware::map_response;
use axum::routing::{MethodFilter, on};

use self::Access::{Anyone, Token};
use self::Body::{Json, Upload};
use crate::app::App;
use crate::forward::forward;
use crate::headers;
use crate::upstream::Name::{self, Identity, Media, Post, Search};

/// One method of one path.
pub struct Route {
    method: MethodFilter,
    path: &'static str,
    pub upstream: Name,
    pub access: Access,
    pub body: Body,
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

/// The paths that clients of the former platform call stand beside the ones of today.
#[rustfmt::skip]
static ROUTES: [Route; 16] = [
    route(MethodFilter::POST,   "/v1/auth/register",      Identity, Anyone, Json),
    route(MethodFilter::POST,   "/v1/auth/login",         Identity, Anyone, Json),
    route(MethodFilter::POST,   "/v1/auth/refresh-token", Identity, Anyone, Json),
    route(MethodFilter::POST,   "/v1/auth/logout",        Identity, Anyone, Json),
    route(MethodFilter::GET,    "/.well-known/jwks.json", Identity, Anyone, Json),
    route(MethodFilter::POST,   "/v1/posts",              Post,     Token,  Json),
    route(MethodFilter::POST,   "/v1/posts/create-post",  Post,     Token,  Json),
    route(MethodFilter::GET,    "/v1/posts",              Post,     Token,  Json),
    route(MethodFilter::GET,    "/v1/posts/getall-posts", Post,     Token,  Json),
    route(MethodFilter::GET,    "/v1/posts/{id}",         Post,     Token,  Json),
    route(MethodFilter::DELETE, "/v1/posts/{id}",         Post,     Token,  Json),
    route(MethodFilter::POST,   "/v1/media",              Media,    Token,  Upload),
    route(MethodFilter::POST,   "/v1/media/upload-media", Media,    Token,  Upload),
    // No token: an `<img>` cannot send one.
    route(MethodFilter::GET,    "/v1/media/{id}",         Media,    Anyone, Json),
    route(MethodFilter::GET,    "/v1/search/posts",       Search,   Token,  Json),
    route(MethodFilter::GET,    "/v1/search/search-post", Search,   Token,  Json),
];

/// The table as a router. A path that is not in it is unknown and a method that is not in it is refused, token or not.
pub fn routes(app: App) -> Router {
    let table = ROUTES.iter().fold(Router::new(), |router, route| {
        let handler = on(route.method, move |app, peer, context, request| {
            forward(route, app, peer, context, request)
        });
        router.route(route.path, handler)
    });

    table.layer(map_response(headers::protect)).with_state(app)
}

const fn route(
    method: MethodFilter,
    path: &'static str,
    upstream: Name,
    access: Access,
    body: Body,
) -> Route {
    Route {
        method,
        path,
        upstream,
        access,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/api.md");

    #[test]
    fn every_path_is_documented_with_its_method() {
        for route in &ROUTES {
            let method = if route.method == MethodFilter::POST {
                "POST"
            } else if route.method == MethodFilter::DELETE {
                "DELETE"
            } else {
                "GET"
            };
            let documented = format!("| {method} `{}` |", route.path);
            assert!(
                DOCUMENT.contains(&documented),
                "{documented} is not in docs/api.md"
            );
        }
    }
}
