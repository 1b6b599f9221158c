//! The services behind the gateway, and how they are reached.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderValue, Request, Response, StatusCode, Uri, request, uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{HttpConnector, capture_connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use service_kit::PROBLEM_JSON;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body::RequestBody;
use crate::config::Config;
use crate::connection::{self, Connector};
use crate::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Below the 30 s for which the services keep an idle connection, so that none is closed while it is picked.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
const MAX_IDLE_CONNECTIONS: usize = 128;
/// As much of a body waits to be sent, and as much of an answer is read at once. By default it is ten times that, which
/// many uploads to a service that is slower than their clients would all fill.
const MAX_BUFFERED_BYTES: usize = 32 * 1024;
/// `/readyz` waits no longer: who asks for it may give up after a second.
const REACH_TIMEOUT: Duration = Duration::from_millis(300);

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    Identity,
    Post,
    Media,
    Search,
}

/// Where a service is: `http://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Authority);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not of the form http://host:port")]
pub struct AddressError;

#[derive(Debug, Clone)]
pub struct Upstream {
    pub name: &'static str,
    address: Address,
    host: HeaderValue,
    /// One for each request that may be with the service at once, so that one that hangs takes nobody else's.
    places: Arc<Semaphore>,
}

/// All services and the connections to them.
pub struct Upstreams {
    identity: Upstream,
    post: Upstream,
    media: Upstream,
    search: Upstream,
    client: Client<Connector, RequestBody>,
}

/// There is no answer of a service.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Failed(#[from] legacy::Error),

    /// A failure that no service of ours would answer, so it comes from somebody else at its address.
    #[error("a stranger answered with {0}")]
    Stranger(StatusCode),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let uri: Uri = text.parse().map_err(|_| AddressError)?;
        let parts = uri.into_parts();
        let is_root = parts.path_and_query.is_none_or(|path| path == "/");
        let authority = parts.authority.filter(|authority| {
            is_root && parts.scheme == Some(Scheme::HTTP) && !authority.as_str().contains('@')
        });

        authority.map(Self).ok_or(AddressError)
    }
}

impl Upstream {
    fn new(name: &'static str, address: &Address, places: u32) -> Self {
        let host = HeaderValue::from_str(address.0.as_str());

        Self {
            name,
            address: address.clone(),
            host: host.expect("a host and a port are a header"),
            places: Arc::new(Semaphore::new(places as usize)),
        }
    }

    /// The address of `path` at this service.
    pub fn uri(&self, path: PathAndQuery) -> Uri {
        let mut parts = uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.address.0.clone());
        parts.path_and_query = Some(path);

        Uri::from_parts(parts).expect("a scheme, a host and a path are an address")
    }

    /// What `Host` says to this service.
    pub fn host(&self) -> HeaderValue {
        self.host.clone()
    }

    /// A place for one request; it is free again when this is dropped. There is no queue: who waits for a service that
    /// hangs would only hang, too.
    pub fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = self.places.clone().try_acquire_owned();

        place.map_err(|_| Error::Full {
            upstream: self.name,
        })
    }

    /// Whether anything accepts connections there; the error is the reason for `/readyz`.
    pub async fn reach(self) -> Result<(), String> {
        let host = self.address.0.host().trim_matches(['[', ']']);
        let port = self.address.0.port_u16().unwrap_or(80);
        match tokio::time::timeout(REACH_TIMEOUT, TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no connection within {REACH_TIMEOUT:?}")),
        }
    }
}

impl Upstreams {
    pub fn new(config: &Config) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let places = config.server.max_concurrent_requests;
        let upstream = |name, address| Upstream::new(name, address, places);

        Self {
            identity: upstream("identity", &config.identity_url),
            post: upstream("post", &config.post_url),
            media: upstream("media", &config.media_url),
            search: upstream("search", &config.search_url),
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIMEOUT)
                .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
                .http1_max_buf_size(MAX_BUFFERED_BYTES)
                .build(Connector(connector)),
        }
    }

    pub fn of(&self, name: Name) -> &Upstream {
        match name {
            Name::Identity => &self.identity,
            Name::Post => &self.post,
            Name::Media => &self.media,
            Name::Search => &self.search,
        }
    }

    pub fn all(&self) -> [&Upstream; 4] {
        [&self.identity, &self.post, &self.media, &self.search]
    }

    /// Sends a request and waits for the head of its answer. `head` makes the request but for its body, each time anew.
    ///
    /// It is sent a second time where that does no harm: when no connection could be made (the next try may reach
    /// another replica), and when it only reads and a connection that was kept turned out to be closed, or a stranger
    /// answered. One that was closed before anything was written to it is replaced by the client without a word.
    pub async fn send(
        &self,
        head: impl Fn() -> request::Parts,
        body: RequestBody,
    ) -> Result<Response<Incoming>, SendError> {
        let watch = body.watch();
        let first = head();
        let is_safe = first.method.is_safe();
        let error = match self.send_once(Request::from_parts(first, body)).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let is_harmless = match &error {
            SendError::Failed(error) => {
                error.is_connect() || is_safe && connection::was_kept(error)
            }
            SendError::Stranger(_) => is_safe,
        };
        match watch.again() {
            Some(body) if is_harmless => self.send_once(Request::from_parts(head(), body)).await,
            _ => Err(error),
        }
    }

    async fn send_once(
        &self,
        mut request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, SendError> {
        let connection = capture_connection(&mut request);
        let mut answer = self.client.request(request).await?;
        if is_of_a_stranger(&answer) {
            // The service may be back at its address, and this connection would not lead there.
            if let Some(connection) = &*connection.connection_metadata() {
                connection.poison();
            }
            return Err(SendError::Stranger(answer.status()));
        }
        connection::note_answer(answer.extensions_mut());

        Ok(answer)
    }
}

/// Services say what is wrong in a problem document, to HEAD too. Only a head that is too long they cannot even read.
fn is_of_a_stranger(answer: &Response<Incoming>) -> bool {
    let status = answer.status();
    let is_failure = status.is_client_error() || status.is_server_error();

    is_failure
        && status != StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        && answer
            .headers()
            .get(CONTENT_TYPE)
            .is_none_or(|kind| kind != PROBLEM_JSON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        for good in [
            "http://demo-post:8080",
            "http://demo-post:8080/",
            "http://[::1]:80",
            "http://post",
        ] {
            assert!(good.parse::<Address>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "demo-post:8080",
            "https://demo-post",
            "http://post/api",
            "http://post?x",
            "http://a@post",
            "http://",
        ] {
            assert_eq!(bad.parse::<Address>(), Err(AddressError), "{bad}");
        }
    }

    #[test]
    fn a_path_is_sent_as_the_client_wrote_it() {
        let address = "http://post:8080".parse().expect("an address");
        let upstream = Upstream::new("post", &address, 1);
        let path = PathAndQuery::from_static("/v1/posts/%2e%2e?user=a%20b&user=c");

        assert_eq!(
            upstream.uri(path).to_string(),
            "http://post:8080/v1/posts/%2e%2e?user=a%20b&user=c"
        );
    }

    #[test]
    fn a_service_has_so_many_places_and_no_more() {
        let address = "http://post:8080".parse().expect("an address");
        let upstream = Upstream::new("post", &address, 1);
        let taken = upstream.place();

        assert!(taken.is_ok());
        assert!(matches!(upstream.place(), Err(Error::Full { .. })));
        drop(taken);
        assert!(upstream.place().is_ok());
    }
}
