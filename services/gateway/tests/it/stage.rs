//! A running gateway and the services behind it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use clap::Parser;
use gateway::config::Config;
use reqwest::{Method, RequestBuilder, Response};
use test_kit::{KEYS_FILE, Running, Token, key_file, object_id, scope};
use tokio::net::TcpListener;

/// Nothing listens there.
pub const NOWHERE: &str = "http://127.0.0.1:1";
/// Small enough to be exceeded quickly.
pub const MAX_UPLOAD_BYTES: usize = 256 * 1024;

/// What is only looked at by tests that set it otherwise: nobody is limited, and no test sees the counters of another.
const AMPLE: [&str; 10] = [
    "--redis-url",
    "redis://127.0.0.1:1",
    "--rate-limit-per-minute",
    "1000000",
    "--rate-limit-burst",
    "1000000",
    "--auth-rate-limit-per-minute",
    "1000000",
    "--auth-rate-limit-burst",
    "1000000",
];

/// A service that lives in the test.
pub struct Service {
    pub url: String,
    seen: Seen,
}

/// What a service was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

type Seen = Arc<Mutex<Vec<Asked>>>;

impl Service {
    /// Answers whatever it is asked with what `answer` makes of the request.
    pub async fn answering<F, R>(
        answer: impl Fn(Request) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = R> + Send,
        R: IntoResponse,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!(
            "http://{}",
            listener.local_addr().expect("a bound listener")
        );
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await });

        Self {
            url,
            seen: Seen::default(),
        }
    }

    /// Reads each request, remembers it if it was whole, and answers with `text`.
    pub async fn saying(text: &'static str) -> Self {
        let seen = Seen::default();
        let remembered = seen.clone();
        let service = Self::answering(move |request| {
            let seen = seen.clone();
            async move {
                let (parts, body) = request.into_parts();
                if let Ok(body) = axum::body::to_bytes(body, usize::MAX).await {
                    seen.lock().expect("no test panicked with it").push(Asked {
                        method: parts.method,
                        path: parts.uri.to_string(),
                        headers: parts.headers,
                        body: body.into(),
                    });
                }
                text
            }
        })
        .await;

        Self {
            seen: remembered,
            ..service
        }
    }

    /// What it was asked since this was asked.
    pub fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.seen.lock().expect("no test panicked with it"))
    }
}

/// A gateway whose four services are all at `url`.
pub async fn gateway_before(url: &str) -> Running {
    gateway([url; 4], &[]).await
}

/// A gateway before identity, post, media and search.
pub async fn gateway(urls: [&str; 4], settings: &[&str]) -> Running {
    let scope = scope();
    let keys = key_file(KEYS_FILE);
    let [identity, post, media, search] = urls;
    let max_upload_bytes = MAX_UPLOAD_BYTES.to_string();
    let own = [
        "gateway",
        "--token-issuer",
        &scope.issuer,
        "--token-audience",
        &scope.audience,
        "--identity-url",
        identity,
        "--post-url",
        post,
        "--media-url",
        media,
        "--search-url",
        search,
        "--max-upload-bytes",
        &max_upload_bytes,
    ];
    let usual = [
        &AMPLE[..],
        &["--token-keys-file", keys.to_str().expect("a path in UTF-8")],
    ]
    .concat();
    let usual = usual
        .chunks(2)
        .filter(|setting| !settings.contains(&setting[0]))
        .flatten();
    let config = Config::parse_from(own.iter().chain(usual).chain(settings));

    Running::start(|listeners, shutdown| gateway::run(config, listeners, shutdown))
        .await
        .ready()
        .await
}

/// A request of somebody with a valid token.
pub fn request(gateway: &Running, method: Method, path: &str) -> RequestBuilder {
    gateway
        .client
        .request(method, gateway.at(path))
        .bearer_auth(Token::Valid.of(&object_id()))
}

pub async fn get(gateway: &Running, path: &str) -> Response {
    let response = request(gateway, Method::GET, path).send().await;

    response.expect("an answer")
}

/// A body whose length is not announced.
pub fn unannounced(chunks: Vec<Vec<u8>>) -> reqwest::Body {
    let chunks = chunks.into_iter().map(Ok::<_, std::io::Error>);

    reqwest::Body::wrap_stream(futures::stream::iter(chunks))
}

/// The head of an answer with this body, given piece by piece.
pub fn streamed<S, B>(chunks: S) -> Body
where
    S: futures::Stream<Item = B> + Send + 'static,
    B: Into<axum::body::Bytes>,
{
    use futures::StreamExt as _;

    Body::from_stream(chunks.map(|chunk| Ok::<_, std::io::Error>(chunk.into())))
}
