//! Services that do not answer as they should, and clients that do not send.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::post;
use clap::Parser;
use futures::{StreamExt, stream};
use reqwest::{Method, Response};
use serde_json::Value;
use service_kit::{Health, Metrics, ServerConfig};
use test_kit::{Proxy, Running, assert_problem};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use crate::raw::Connection;
use crate::stage::{MAX_UPLOAD_BYTES, NOWHERE, Service, gateway, gateway_before, get, request};

/// The gateway waits a second for a service.
const HASTY: [&str; 2] = ["--request-timeout-seconds", "2"];
const PATIENCE: Duration = Duration::from_secs(5);

async fn send(gateway: &Running, method: Method, path: &str) -> Response {
    let response = request(gateway, method, path).send().await;

    response.expect("an answer")
}

#[tokio::test]
async fn a_service_that_is_away_takes_only_its_own_paths_with_it() {
    let post = Service::saying("post").await;
    let gateway = gateway([NOWHERE, &post.url, NOWHERE, NOWHERE], &[]).await;
    for (method, path) in [
        (Method::POST, "/v1/auth/login"),
        (Method::GET, "/.well-known/jwks.json"),
        (Method::POST, "/v1/media"),
        (Method::GET, "/v1/search/posts?query=x"),
    ] {
        let response = send(&gateway, method, path).await;
        assert_eq!(response.headers()["retry-after"], "1");
        let problem = assert_problem(response, 503, "upstream_unreachable").await;
        assert!(!problem.to_string().contains("127.0.0.1"), "{problem}");
    }

    assert_eq!(get(&gateway, "/v1/posts").await.status(), 200);
}

#[tokio::test]
async fn the_gateway_is_ready_without_its_services_and_shows_which_are_away() {
    let post = Service::saying("post").await;
    let gateway = gateway([NOWHERE, &post.url, NOWHERE, NOWHERE], &[]).await;
    let readiness = gateway.client.get(format!("{}/readyz", gateway.admin_url));
    let readiness = readiness.send().await.expect("an answer");
    assert_eq!(readiness.status(), 200);
    let readiness = readiness.text().await.expect("text");
    let readiness: Value = serde_json::from_str(&readiness).expect("JSON");

    let checks = readiness["checks"].as_array().expect("an array");
    let reachable: Vec<_> = checks
        .iter()
        .map(|check| {
            (
                check["name"].as_str().expect("a name"),
                check["ready"] == true,
            )
        })
        .collect();
    assert_eq!(
        reachable,
        [
            ("redis", false),
            ("identity", false),
            ("post", true),
            ("media", false),
            ("search", false)
        ]
    );
    assert!(
        checks[1]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("refused"))
    );
}

#[tokio::test]
async fn a_service_that_takes_too_long_is_given_up() {
    let service = Service::answering(|_| std::future::pending::<&str>()).await;
    let gateway = gateway([&service.url; 4], &HASTY).await;
    let started = Instant::now();
    for (method, path) in [(Method::GET, "/v1/posts"), (Method::POST, "/v1/posts")] {
        assert_problem(send(&gateway, method, path).await, 504, "upstream_timeout").await;
    }

    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[tokio::test]
async fn each_service_is_used_again_when_it_is_back() {
    let service = Service::saying("ok").await;
    let ways = futures::future::join_all([(); 4].map(|()| Proxy::closed(&service.url))).await;
    let urls = [0, 1, 2, 3].map(|service| ways[service].url.as_str());
    let gateway = gateway(urls, &HASTY).await;
    let paths = [
        "/.well-known/jwks.json",
        "/v1/posts",
        "/v1/media/0123456789abcdef01234567",
        "/v1/search/posts?query=x",
    ];
    let away_from_the_start: fn(&Proxy) = |_| {};
    let slow: fn(&Proxy) = |way| way.delay(Duration::from_secs(10));
    for (way, path) in ways.iter().zip(paths) {
        for trouble in [away_from_the_start, slow, Proxy::cut] {
            trouble(way);
            let started = Instant::now();
            let status = get(&gateway, path).await.status().as_u16();
            assert!((502..=504).contains(&status), "{path}: {status}");
            assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());

            way.delay(Duration::ZERO);
            way.reopen();
            let back = Instant::now();
            while get(&gateway, path).await.status() != 200 {
                assert!(back.elapsed() < PATIENCE, "{path}: not used again");
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_takes_too_long_is_told_so() {
    let service = Service::saying("ok").await;
    let gateway = gateway([&service.url; 4], &HASTY).await;
    let mut connection = Connection::to(&gateway).await;
    connection
        .send("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
        .await;

    assert_eq!(connection.status().await, 408);
}

#[tokio::test]
async fn a_request_that_may_have_been_done_is_not_done_again() {
    let tries = Arc::new(AtomicUsize::new(0));
    let url = breaking(tries.clone()).await;
    let gateway = gateway_before(&url).await;
    for (count, method) in [Method::POST, Method::GET].into_iter().enumerate() {
        let response = send(&gateway, method, "/v1/posts").await;
        assert_problem(response, 502, "upstream_broken").await;
        assert_eq!(tries.load(Ordering::Relaxed), count + 1);
    }
}

/// A service that reads a request and closes; it counts them.
async fn breaking(requests: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!(
        "http://{}",
        listener.local_addr().expect("a bound listener")
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // A connection that is opened to see whether it can be, sends nothing.
            if stream.read(&mut [0; 8192]).await.is_ok_and(|read| read > 0) {
                requests.fetch_add(1, Ordering::Relaxed);
            }
        }
    });

    url
}

#[tokio::test]
async fn a_connection_the_service_has_closed_is_not_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!(
        "http://{}",
        listener.local_addr().expect("a bound listener")
    );
    let closed = Arc::new(Semaphore::new(0));
    let closes = closed.clone();
    // Answers one request on each connection as if more were welcome, and closes.
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if stream.read(&mut [0; 8192]).await.is_ok_and(|read| read > 0) {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).await.expect("written");
                drop(stream);
                closes.add_permits(1);
            }
        }
    });
    let gateway = gateway_before(&url).await;
    for method in [Method::GET, Method::POST, Method::POST, Method::GET] {
        assert_eq!(send(&gateway, method, "/v1/posts").await.status(), 200);
        closed.acquire().await.expect("never closed").forget();
    }
}

#[tokio::test]
async fn only_a_read_is_sent_again_when_a_kept_connection_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!(
        "http://{}",
        listener.local_addr().expect("a bound listener")
    );
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    // Answers the first request of each connection, and closes when it has read the second.
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counted = counted.clone();
            tokio::spawn(async move {
                for is_answered in [true, false] {
                    if !stream.read(&mut [0; 8192]).await.is_ok_and(|read| read > 0) {
                        return;
                    }
                    counted.fetch_add(1, Ordering::Relaxed);
                    if is_answered {
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                        stream.write_all(answer).await.expect("written");
                    }
                }
            });
        }
    });
    let gateway = gateway_before(&url).await;
    for (method, status, count) in [
        (Method::GET, 200, 1),
        // Lost, and answered on a connection of its own.
        (Method::GET, 200, 3),
        (Method::POST, 502, 4),
    ] {
        let response = send(&gateway, method, "/v1/posts").await;
        assert_eq!(response.status(), status);
        assert_eq!(requests.load(Ordering::Relaxed), count);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    let seen = Arc::new(Notify::new());
    let waits = seen.clone();
    let service = Service::answering(move |_| {
        let waits = waits.clone();
        async move {
            let broken = stream::once(async move {
                waits.notified().await;
                Err(std::io::Error::other("broken"))
            });
            Body::from_stream(stream::iter([Ok("half ")]).chain(broken))
        }
    })
    .await;
    let response = get(&gateway_before(&service.url).await, "/v1/posts").await;
    assert_eq!(response.status(), 200);
    seen.notify_one();

    assert!(response.text().await.is_err());
}

#[tokio::test]
async fn failures_are_counted_by_service_and_reason() {
    let gateway = gateway([NOWHERE; 4], &[]).await;
    get(&gateway, "/v1/posts").await;
    let metrics = gateway.client.get(format!("{}/metrics", gateway.admin_url));
    let metrics = metrics
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");

    let line = r#"upstream_failures_total{reason="unreachable",upstream="post"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
    let line = r#"http_requests_total{method="GET",route="/v1/posts",status="503"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn a_service_may_answer_before_it_has_read_all() {
    let refusal = post(|| async { StatusCode::UNSUPPORTED_MEDIA_TYPE });
    let routes = Router::new().route("/v1/media", refusal);
    let server = ServerConfigOnly::parse_from(["media"]).server;
    let service = Running::start(|listeners, shutdown| async move {
        let (health, metrics) = (Health::new(), Metrics::new());
        let service = service_kit::Service {
            routes,
            health,
            metrics,
        };
        service.serve(&server, listeners, shutdown).await;
        Ok::<_, std::convert::Infallible>(())
    })
    .await;
    let gateway = gateway_before(&service.url).await;
    for length in [10, 200_000, MAX_UPLOAD_BYTES] {
        let upload = request(&gateway, Method::POST, "/v1/media").body(vec![7; length]);
        let response = upload.send().await.expect("an answer");
        assert_problem(response, 415, "refused").await;
    }
}

/// A real service's port, because how it treats a body it does not want is what is tried.
#[derive(Parser)]
struct ServerConfigOnly {
    #[command(flatten)]
    server: ServerConfig,
}
