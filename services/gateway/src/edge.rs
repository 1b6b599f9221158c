//! The outermost: finds the path of a request, and sees to what holds for every answer, whoever made it.
//!
//! This is on the way of every request, so it is a function and no stack of layers around an axum router: those cost
//! as much again as the forwarding itself. What the gateway answers itself is asked for rarely and is a router.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use service_kit::{Answer, Problem, RequestContext, Ring};

use crate::app::App;
use crate::cors::{self, Origins};
use crate::forward::forward;
use crate::headers::protect;
use crate::routes::{Path, Table, own};

/// Answers every request to the public port. Clones are the same.
#[derive(Clone)]
pub struct Edge(Arc<Parts>);

struct Parts {
    app: Arc<App>,
    ring: Ring,
    origins: Origins,
    table: Table,
    own: Router,
}

impl Edge {
    pub fn new(app: Arc<App>, ring: Ring, origins: Origins) -> Self {
        Self(Arc::new(Parts {
            ring,
            origins,
            table: Table::new(),
            own: own(app.clone()).fallback(|| async { Problem::no_route() }),
            app,
        }))
    }
}

impl Answer for Edge {
    async fn answer(&self, request: Request, peer: SocketAddr) -> Response {
        let parts = &*self.0;
        let allowed = parts.origins.allowed(request.headers());
        let is_preflight =
            allowed.is_some() && cors::is_preflight(request.method(), request.headers());
        let path = parts.table.find(request.uri().path());
        let mut response = parts
            .ring
            .around(
                request,
                path.map(|path| path.template),
                |request, context| async move {
                    match path {
                        Some(path) if is_preflight => cors::preflight(&path.methods()),
                        _ => parts.pass(path, request, context, peer).await,
                    }
                },
            )
            .await;
        parts.origins.write(allowed, response.headers_mut());
        protect(response.headers_mut());

        response
    }
}

impl Parts {
    /// To a service or to the gateway's own part. A path that is unknown is refused, and so is a method that a path does
    /// not answer, token or not.
    async fn pass(
        &self,
        path: Option<&Path>,
        mut request: Request,
        context: RequestContext,
        peer: SocketAddr,
    ) -> Response {
        let Some(path) = path.filter(|path| !path.is_own()) else {
            request.extensions_mut().insert(context);
            return self.own.answer(request, peer).await;
        };
        match path.route(request.method()) {
            Some(route) => forward(route, &self.app, peer, &context, request).await,
            None => not_allowed(path),
        }
    }
}

fn not_allowed(path: &Path) -> Response {
    let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
    if let Ok(methods) = HeaderValue::try_from(path.methods()) {
        response.headers_mut().insert(ALLOW, methods);
    }

    response
}
