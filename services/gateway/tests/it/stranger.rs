//! Somebody else answers at the address of a service.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::{Method, StatusCode};
use test_kit::assert_problem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::{gateway_before, request};

const POST: &str = "/v1/posts/0123456789abcdef01234567";
/// What a service answers.
const OURS: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// What strangers answer; all of them keep the connection.
const THEIRS: [&str; 6] = [
    "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nnot found",
    "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    "HTTP/1.1 405 Method Not Allowed\r\nallow: GET\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\n\r\n4\r\naway\r\n0\r\n\r\n",
    "HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n",
];

/// An address where the first `strangers` connections lead to somebody who answers `theirs` to everything, and all
/// later ones to the service.
struct Place {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Place {
    async fn new(strangers: usize, theirs: &'static str, ours: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let count = count.clone();
                tokio::spawn(async move {
                    // A connection that is opened to see whether it can be, sends nothing.
                    if read(&mut stream).await {
                        let before = count.fetch_add(1, Ordering::Relaxed);
                        let answer = if before < strangers { theirs } else { ours };
                        while stream.write_all(answer.as_bytes()).await.is_ok()
                            && read(&mut stream).await
                        {}
                    }
                });
            }
        });

        Self {
            url: format!("http://{address}"),
            connections,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Reads a request, which has no body.
async fn read(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if !stream.read_buf(&mut head).await.is_ok_and(|read| read > 0) {
            return false;
        }
    }

    true
}

#[tokio::test]
async fn a_strangers_failure_is_not_the_services_and_its_connection_is_left() {
    for theirs in THEIRS {
        let place = Place::new(1, theirs, OURS).await;
        let gateway = gateway_before(&place.url).await;
        let delete = || request(&gateway, Method::DELETE, POST).send();

        let refused = delete().await.expect("an answer");
        assert_problem(refused, 502, "upstream_broken").await;
        for _ in 0..2 {
            let answer = delete().await.expect("an answer");
            assert_eq!(answer.status(), 200, "after {theirs:?}");
        }
        assert_eq!(place.connections(), 2, "after {theirs:?}");
    }
}

#[tokio::test]
async fn a_read_that_a_stranger_answered_is_sent_once_more() {
    for theirs in THEIRS {
        for (strangers, status) in [(1, 200), (2, 502)] {
            for method in [Method::GET, Method::HEAD] {
                let place = Place::new(strangers, theirs, OURS).await;
                let gateway = gateway_before(&place.url).await;
                let answer = request(&gateway, method, POST).send().await;

                assert_eq!(answer.expect("an answer").status(), status, "{theirs:?}");
                assert_eq!(place.connections(), 2, "{theirs:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_services_failure_without_a_body_is_its_own() {
    let ours = "HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\ncontent-length: 250\r\n\r\n";
    let place = Place::new(0, "", ours).await;
    let gateway = gateway_before(&place.url).await;
    for _ in 0..2 {
        let answer = request(&gateway, Method::HEAD, POST).send().await;
        assert_eq!(answer.expect("an answer").status(), StatusCode::NOT_FOUND);
    }

    assert_eq!(place.connections(), 1, "it is kept");
}
