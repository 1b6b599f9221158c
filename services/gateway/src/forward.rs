//! One request on its way to a service, and the answer on its way back.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request;
use axum::http::uri::PathAndQuery;
use axum::response::Response;
use hyper::body::{Body as _, Incoming};
use service_kit::{Problem, RequestContext};
use tower_http::timeout::TimeoutBody;

use crate::app::App;
use crate::body::{Progress, RequestBody, Watch};
use crate::error::Error;
use crate::headers;
use crate::routes::{Access, Route};
use crate::upstream::Upstream;

/// An answer that stops for so long in its middle is given up.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

pub async fn forward(
    route: &'static Route,
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    context: RequestContext,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let limit = app.limit(route.body);
    let body = RequestBody::new(body, limit);
    if route.access == Access::Token {
        // The service looks at the token again; asking here keeps strangers away from it.
        app.authenticator.current_user(&parts.headers)?;
    }
    if body.is_announced_too_large() {
        return Err(Error::TooLarge(limit).into());
    }

    let upstream = app.upstreams.of(route.upstream);
    let watch = body.watch();
    let parts = for_service(parts, upstream, peer, &context);
    let sent = app.upstreams.send(parts, body);
    let result = tokio::time::timeout(app.head_timeout, sent).await;
    let answer = result
        .map_err(|_| too_slow(&watch, upstream))
        .and_then(|sent| sent.map_err(|source| failed(&watch, upstream, limit, source)))
        .inspect_err(|error| report(&app, error))?;

    Ok(for_client(answer))
}

fn for_service(
    client: request::Parts,
    upstream: &Upstream,
    peer: SocketAddr,
    context: &RequestContext,
) -> request::Parts {
    let path = client.uri.path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = client.method;
    parts.uri = upstream.uri(path);
    parts.headers = headers::for_service(client.headers, &client.uri, peer, context);

    parts
}

fn for_client(answer: Response<Incoming>) -> Response {
    let (mut parts, body) = answer.into_parts();
    headers::strip_hop_by_hop(&mut parts.headers);
    let body = if body.is_end_stream() {
        Body::empty()
    } else {
        Body::new(TimeoutBody::new(STALL_TIMEOUT, body))
    };

    Response::from_parts(parts, body)
}

fn too_slow(watch: &Watch, upstream: &Upstream) -> Error {
    match watch.progress() {
        Progress::Awaited => Error::SlowBody,
        _ => Error::SlowAnswer {
            upstream: upstream.name,
        },
    }
}

fn failed(
    watch: &Watch,
    upstream: &Upstream,
    limit: u64,
    source: hyper_util::client::legacy::Error,
) -> Error {
    let upstream = upstream.name;
    match watch.progress() {
        Progress::TooLarge => Error::TooLarge(limit),
        Progress::Broken => Error::BrokenBody,
        _ if source.is_connect() => Error::Unreachable { upstream, source },
        _ => Error::BrokenAnswer { upstream, source },
    }
}

fn report(app: &App, error: &Error) {
    if let Some(labels) = error.upstream_and_reason() {
        app.failures.with_label_values(&labels).inc();
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "a service did not answer"
        );
    }
}
