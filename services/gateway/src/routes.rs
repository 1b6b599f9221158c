//! The public API: every path there is, who answers it, and what it takes.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

use self::Access::{Anyone, Token};
use self::Body::{Json, Upload};
use crate::app::App;
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

/// What the gateway answers itself; all of it is only read.
const OWN: [&str; 6] = [
    "/v1/instance",
    "/openapi.json",
    "/docs",
    "/docs/",
    "/docs/{file}",
    "/docs/problems",
];

/// Every path there is, to be found by what a client asks for.
pub struct Table(matchit::Router<Path>);

/// A path, and what may be done with it.
pub struct Path {
    pub template: &'static str,
    /// None for what the gateway answers itself.
    routes: Vec<&'static Route>,
}

impl Table {
    pub fn new() -> Self {
        let mut paths: Vec<Path> = Vec::new();
        for route in &ROUTES {
            match paths.iter_mut().find(|path| path.template == route.path) {
                Some(path) => path.routes.push(route),
                None => paths.push(Path {
                    template: route.path,
                    routes: vec![route],
                }),
            }
        }
        paths.extend(OWN.map(|template| Path {
            template,
            routes: Vec::new(),
        }));
        let mut table = matchit::Router::new();
        for path in paths {
            let inserted = table.insert(path.template, path);
            inserted.expect("no two of the paths above exclude each other");
        }

        Self(table)
    }

    pub fn find(&self, path: &str) -> Option<&Path> {
        self.0.at(path).ok().map(|found| found.value)
    }
}

impl Path {
    pub fn is_own(&self) -> bool {
        self.routes.is_empty()
    }

    /// The route for a method. What can be read can also be asked for its head.
    pub fn route(&self, method: &Method) -> Option<&'static Route> {
        let method = if method == Method::HEAD { &GET } else { method };

        self.routes
            .iter()
            .find(|route| route.method == *method)
            .copied()
    }

    /// The methods that are answered, as a header lists them.
    pub fn methods(&self) -> String {
        let own = [&GET];
        let answered = self.routes.iter().map(|route| &route.method);
        let answered = answered.chain(own.into_iter().filter(|_| self.is_own()));
        let names = answered.map(|method| match method {
            &Method::GET => "GET, HEAD",
            method => method.as_str(),
        });

        names.collect::<Vec<_>>().join(", ")
    }
}

/// What the gateway answers itself.
pub fn own(app: Arc<App>) -> Router {
    let (own, _) = described().split_for_parts();

    own.route("/openapi.json", get(openapi::document))
        .route("/docs", get(docs::redirect))
        .route("/docs/", get(docs::index))
        .route("/docs/{file}", get(docs::file))
        .route("/docs/problems", get(docs::problems))
        .layer(from_fn_with_state(app.clone(), rate_limit::limit))
        .with_state(app)
}

/// What the gateway answers itself as a part of the API.
pub fn described() -> OpenApiRouter<Arc<App>> {
    let about = service_kit::openapi::service("SocialPlatform");

    OpenApiRouter::with_openapi(about).routes(utoipa_axum::routes!(instance::instance))
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
        // The files of a page are no part of the API.
        let own = OWN
            .iter()
            .filter(|path| !path.starts_with("/docs/{") && **path != "/docs/");
        let there_are: BTreeSet<_> = ROUTES
            .iter()
            .map(|route| format!("{} `{}`", route.method, route.path))
            .chain(own.map(|path| format!("GET `{path}`")))
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
