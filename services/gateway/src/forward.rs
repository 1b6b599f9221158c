//! One request on its way to a service, and the answer on its way back.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{header::HOST, request};
use axum::response::{IntoResponse, Response};
use service_kit::{Problem, RequestContext};

use crate::answer;
use crate::app::App;
use crate::body::{Progress, RequestBody, Watch};
use crate::client::Client;
use crate::error::Error;
use crate::headers;
use crate::routes::{Access, Body, Route};
use crate::upstream::{SendError, Upstream};

/// Answers a request that `peer` sent.
pub async fn forward(
    route: &Route,
    app: &App,
    peer: SocketAddr,
    context: &RequestContext,
    request: Request,
) -> Response {
    let client = app.client(peer, request.headers());
    let allowance = match app.rate_limit.check(route.limit, &client).await {
        Ok(allowance) => allowance,
        Err(problem) => return problem.into_response(),
    };
    let passed = pass(route, app, &client, context, request).await;
    let mut response = passed.unwrap_or_else(IntoResponse::into_response);
    allowance.write(response.headers_mut());

    response
}

async fn pass(
    route: &Route,
    app: &App,
    client: &Client,
    context: &RequestContext,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if headers::is_length_unclear(&parts.headers) {
        return Err(Error::UnclearLength.into());
    }
    if headers::is_host_unclear(&parts) {
        return Err(Error::UnclearHost.into());
    }
    let limit = app.limit(route.body);
    let body = RequestBody::new(body, limit);
    if route.access == Access::Token {
        // The service looks at the token again; asking here keeps strangers away from it.
        app.authenticator.check(&parts.headers)?;
    }
    if body.is_announced_too_large() {
        return Err(Error::TooLarge(limit).into());
    }

    let upstream = app.upstreams.of(route.upstream);
    let head = || for_service(&parts, upstream, client, context);
    let answer = ask(app, upstream, head, body, route.body).await;

    Ok(answer.inspect_err(|error| report(app, error))?)
}

fn for_service(
    asked: &request::Parts,
    upstream: &Upstream,
    client: &Client,
    context: &RequestContext,
) -> request::Parts {
    let path = asked.uri.path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = asked.method.clone();
    parts.uri = upstream.uri(path);
    parts.headers = headers::for_service(&asked.headers, &asked.uri, client, context);
    parts.headers.insert(HOST, upstream.host());

    parts
}

/// Takes a place at the service and keeps it until the answer has passed.
async fn ask(
    app: &App,
    upstream: &Upstream,
    head: impl Fn() -> request::Parts,
    body: RequestBody,
    kind: Body,
) -> Result<Response, Error> {
    let place = upstream.place()?;
    let (watch, limit) = (body.watch(), app.limit(kind));
    let sent = Box::pin(app.upstreams.send(head, body));

    match tokio::time::timeout(app.timeout(kind), sent).await {
        Ok(Ok(answer)) => Ok(answer::for_client(answer, place)),
        Ok(Err(error)) => Err(failed(&watch, upstream, limit, error)),
        Err(_) => Err(too_slow(&watch, upstream)),
    }
}

fn too_slow(watch: &Watch, upstream: &Upstream) -> Error {
    match watch.progress() {
        Progress::Awaited => Error::SlowBody,
        _ => Error::SlowAnswer {
            upstream: upstream.name,
        },
    }
}

fn failed(watch: &Watch, upstream: &Upstream, limit: u64, error: SendError) -> Error {
    let upstream = upstream.name;
    let source = match error {
        SendError::Failed(source) => source,
        SendError::Stranger(status) => return Error::Stranger { upstream, status },
    };
    match watch.progress() {
        Progress::TooLarge => Error::TooLarge(limit),
        Progress::TooSlow => Error::SlowBody,
        Progress::Broken => Error::BrokenBody,
        _ if source.is_connect() => Error::Unreachable { upstream, source },
        _ => Error::BrokenAnswer { upstream, source },
    }
}

/// Counts and logs a failure that is not the client's.
pub fn report(app: &App, error: &Error) {
    if let Some(labels) = error.upstream_and_reason() {
        app.failures.with_label_values(&labels).inc();
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "a service did not answer"
        );
    }
}
