//! The first request through the gateway's Service: what a client would do, so that `Ready` promises that it works.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Public, needs no token, and is answered by identity through the gateway: the longest path that costs nothing.
const PATH: &str = "/.well-known/jwks.json";
const TIMEOUT: Duration = Duration::from_secs(2);

/// Why a first request did not get its answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the gateway's Service gave no answer within {} s", TIMEOUT.as_secs())]
    TimedOut,

    #[error("the gateway's Service cannot be reached")]
    Unreachable(#[source] hyper_util::client::legacy::Error),

    #[error("the gateway's Service answered {0}")]
    Refused(StatusCode),

    #[error("failed to build the request")]
    Request(#[source] http::Error),
}

/// Asks the gateway at `url` for the public keys. `Ok` means it answered 200.
///
/// Nothing that has to be kept secret is sent: the address is a name inside the cluster, which others may answer to.
pub async fn first_request(url: &str) -> Result<(), Error> {
    let request = Request::get(format!("{url}{PATH}"))
        .body(Empty::<Bytes>::new())
        .map_err(Error::Request)?;
    // A connection kept from the last question would tell nothing about the way a new client takes.
    let client = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build::<_, Empty<Bytes>>(HttpConnector::new());

    let answer = tokio::time::timeout(TIMEOUT, client.request(request))
        .await
        .map_err(|_elapsed| Error::TimedOut)?
        .map_err(Error::Unreachable)?;

    match answer.status() {
        StatusCode::OK => Ok(()),
        status => Err(Error::Refused(status)),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    async fn gateway(routes: Router) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        url
    }

    #[tokio::test]
    async fn keys_that_are_served_are_an_answer() {
        let url = gateway(Router::new().route(PATH, get(async || "{}"))).await;

        first_request(&url).await.unwrap();
    }

    #[tokio::test]
    async fn any_other_status_is_told() {
        let url = gateway(Router::new()).await;

        let error = first_request(&url).await.unwrap_err();

        assert_eq!(
            error.to_string(),
            "the gateway's Service answered 404 Not Found"
        );
    }

    #[tokio::test]
    async fn nobody_listening_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);

        assert!(matches!(
            first_request(&url).await,
            Err(Error::Unreachable(_))
        ));
    }
}
