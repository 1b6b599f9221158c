//! The client every request to the Kubernetes API goes through: it counts the writes, bounds the waits, and lets nobody
//! write who does not lead.
//!
//! That happens here and not beside each call, so that no write (an event, a status, a retry) escapes it.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use kube::Client;
use kube::client::{Body, ClientBuilder};
use tower::{BoxError, Layer, Service};

use crate::leader::Tenure;
use crate::metrics::Metrics;

/// The one thing that is written without leading.
const LEASES: &str = "leases";

/// How long an answer may take, its body included. A watch only has to begin within it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to find the cluster: neither a service account nor a kubeconfig can be read")]
    Config(#[source] kube::config::InferConfigError),

    #[error("failed to prepare the connection to the API server")]
    Client(#[source] kube::Error),
}

#[derive(Debug, thiserror::Error)]
#[error("no answer from the API server within {} s", REQUEST_TIMEOUT.as_secs())]
struct TimedOut;

#[derive(Debug, thiserror::Error)]
#[error("not sent: this process does not hold the Lease, and only the holder writes")]
struct NotLeading;

/// The client for the cluster this process belongs to. It writes while `tenure` is held.
pub async fn client(metrics: Metrics, tenure: Tenure) -> Result<Client, Error> {
    let mut config = kube::Config::infer().await.map_err(Error::Config)?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // What fails is tried again by the pass that needed it, with its own back-off; a second layer of retries would
    // multiply both the waiting and the writes.
    config.default_retry = false;

    Ok(ClientBuilder::try_from(config)
        .map_err(Error::Client)?
        .with_layer(&Watchful { metrics, tenure })
        .build())
}

struct Watchful {
    metrics: Metrics,
    tenure: Tenure,
}

impl<S> Layer<S> for Watchful {
    type Service = WatchfulService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WatchfulService {
            inner,
            metrics: self.metrics.clone(),
            tenure: self.tenure.clone(),
        }
    }
}

struct WatchfulService<S> {
    inner: S,
    metrics: Metrics,
    tenure: Tenure,
}

impl<S, B> Service<Request<Body>> for WatchfulService<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes, Error = BoxError> + Send + 'static,
{
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if let Some(verb) = written(request.method()) {
            let resource = resource(request.uri().path());
            if resource != LEASES && !self.tenure.is_held() {
                return Box::pin(async { Err(NotLeading.into()) });
            }
            self.metrics.wrote(&resource, verb);
        }
        let is_watch = is_watch(request.uri().query());
        let answer = self.inner.call(request);

        let bounded = async move {
            let answer = answer.await?;
            if is_watch {
                return Ok(answer.map(BodyExt::boxed_unsync));
            }
            let (head, body) = answer.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Response::from_parts(
                head,
                Full::new(body)
                    .map_err(|never| match never {})
                    .boxed_unsync(),
            ))
        };

        Box::pin(async {
            tokio::time::timeout(REQUEST_TIMEOUT, bounded)
                .await
                .map_err(|_elapsed| TimedOut)?
        })
    }
}

/// The verb of a request that changes something.
fn written(method: &Method) -> Option<&'static str> {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => None,
        Method::POST => Some("create"),
        Method::PUT => Some("update"),
        Method::PATCH => Some("patch"),
        Method::DELETE => Some("delete"),
        _ => Some("other"),
    }
}

fn is_watch(query: Option<&str>) -> bool {
    query.is_some_and(|query| {
        query
            .split('&')
            .any(|pair| pair.starts_with("watch=") && pair != "watch=false")
    })
}

/// The resource in an API path, with its subresource: `deployments`, `socialplatforms/status`.
fn resource(path: &str) -> String {
    let mut segments = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .peekable();
    // `api/v1/…` or `apis/<group>/<version>/…`, then perhaps `namespaces/<name>/…`.
    let prefix = if segments.next() == Some("api") { 1 } else { 2 };
    let mut segments = segments.skip(prefix).collect::<Vec<_>>();
    if segments.len() > 2 && segments[0] == "namespaces" {
        segments.drain(..2);
    }

    match segments[..] {
        [resource, _, subresource, ..] => format!("{resource}/{subresource}"),
        [resource, ..] => resource.to_owned(),
        [] => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_resource() {
        for (path, expected) in [
            ("/api/v1/namespaces/social/secrets/demo-mongodb", "secrets"),
            ("/api/v1/namespaces/social/secrets", "secrets"),
            (
                "/apis/apps/v1/namespaces/social/deployments/demo-post",
                "deployments",
            ),
            (
                "/apis/socialplatform.io/v1alpha1/namespaces/social/socialplatforms/demo/status",
                "socialplatforms/status",
            ),
            ("/apis/events.k8s.io/v1/namespaces/social/events", "events"),
            ("/api/v1/namespaces/social", "namespaces"),
            ("/apis/apps/v1/deployments", "deployments"),
            ("/version", "unknown"),
        ] {
            assert_eq!(resource(path), expected, "{path}");
        }
    }

    #[test]
    fn only_requests_that_change_something_are_writes() {
        assert_eq!(written(&Method::GET), None);
        assert_eq!(written(&Method::POST), Some("create"));
        assert_eq!(written(&Method::PATCH), Some("patch"));
    }

    #[tokio::test]
    async fn who_does_not_lead_reads_and_asks_for_the_lease_and_no_more() {
        let tenure = Tenure::default();
        let watchful = Watchful {
            metrics: Metrics::new().unwrap(),
            tenure: tenure.clone(),
        };
        let mut service = watchful.layer(tower::service_fn(async |_: Request<Body>| {
            let body = Full::new(Bytes::new()).map_err(|never| match never {});
            Ok::<_, BoxError>(Response::new(body))
        }));
        let mut may = async |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path);
            let request = request.body(Body::empty()).unwrap();
            service
                .call(request)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        let deployment = "/apis/apps/v1/namespaces/social/deployments/demo-post";
        let lease = "/apis/coordination.k8s.io/v1/namespaces/system/leases/operator";
        let refusal = Err(NotLeading.to_string());

        assert_eq!(may(Method::GET, deployment).await, Ok(()));
        assert_eq!(may(Method::PUT, lease).await, Ok(()));
        assert_eq!(may(Method::PATCH, deployment).await, refusal);

        tenure.extend(tokio::time::Instant::now() + Duration::from_secs(60));
        assert_eq!(may(Method::PATCH, deployment).await, Ok(()));
        tenure.end();
        assert_eq!(may(Method::DELETE, deployment).await, refusal);
    }

    #[test]
    fn a_watch_is_told_from_a_list() {
        assert!(is_watch(Some("&watch=true&timeoutSeconds=290")));
        assert!(!is_watch(Some("limit=500")));
        assert!(!is_watch(None));
    }
}
