//! The way from the operator under test to the API server. It carries every request with the rights of who sent it,
//! and on the way counts the writes, cuts the operator off after one of them, tells of the past instead of the
//! present, and keeps events to itself.
//!
//! It also makes a cluster of one namespace: what is asked of all namespaces is answered from one, so that an operator
//! under test has nothing to do with the platforms of other tests.

mod past;
mod write;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::request::Parts;
use http::{Method, StatusCode};
use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

pub use past::{Moment, View};
pub use write::Write;

use past::Past;
use write::{is_counted, is_effective, object_path};

/// Collections that are not in a namespace, and so are what they are.
const OF_THE_CLUSTER: [&str; 6] = [
    "namespaces",
    "nodes",
    "persistentvolumes",
    "storageclasses",
    "priorityclasses",
    "customresourcedefinitions",
];
/// After its answer to a write, the operator goes on at once or waits for something else to happen.
const GOES_ON_WITHIN: Duration = Duration::from_millis(500);

/// When the operator is cut off from the API server: the write is done in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The operator never learns of it.
    BeforeAnswer,
    /// The operator learns of it, and can do nothing at the API server any more.
    AfterAnswer,
}

/// One proxy, which ends when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    /// Has no rights of its own.
    upstream: Client,
    /// Sees what a write is about to change.
    witness: Client,
    /// One write at a time: between a write and its being counted there is no other.
    turn: tokio::sync::Mutex<()>,
    plan: Mutex<Plan>,
    is_cut: watch::Sender<bool>,
}

/// What is seen and what is done about it.
#[derive(Default)]
struct Plan {
    namespace: String,
    writes: Vec<Write>,
    /// After how many more effective writes to cut, and how.
    cut: Option<(usize, Cut)>,
    /// Nothing is carried any more.
    is_closed: bool,
    /// The answer to the first write of each object gets lost.
    lost: Option<Vec<(Method, String)>>,
    hides_events: bool,
    past: Past,
    last_request: Option<Instant>,
    passes: usize,
}

impl Proxy {
    /// Listens where `node` reaches this machine. `upstream` is a client without rights.
    pub async fn start(upstream: Client, witness: Client, node: IpAddr) -> Result<Self> {
        let listener = TcpListener::bind((address_towards(node)?, 0))
            .await
            .context("failed to listen for the operator under test")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            witness,
            turn: tokio::sync::Mutex::default(),
            plan: Mutex::default(),
            is_cut: watch::Sender::new(false),
        });
        let app = Router::new().fallback(carry).with_state(shared.clone());
        let server = tokio::spawn(async move {
            // It serves until the test drops it.
            let _ = axum::serve(listener, app).await;
        });

        Ok(Self {
            address,
            shared,
            server,
        })
    }

    /// Forgets all that was seen, and opens the way to another namespace.
    pub fn look_at(&self, namespace: &str) {
        *self.plan() = Plan {
            namespace: namespace.to_owned(),
            ..Plan::default()
        };
        self.shared.is_cut.send_replace(false);
    }

    /// Opens the way again after a cut, for an operator that starts.
    pub fn open(&self) {
        let mut plan = self.plan();
        plan.cut = None;
        plan.is_closed = false;
        plan.passes = 0;
        self.shared.is_cut.send_replace(false);
    }

    /// Cuts the operator off when it has changed something `writes` times from now.
    pub fn cut_after(&self, writes: usize, cut: Cut) {
        self.plan().cut = Some((writes, cut));
    }

    /// Gives a cut up, unless it has been made already.
    pub fn disarm(&self) -> bool {
        let mut plan = self.plan();
        plan.cut = None;

        !plan.is_closed
    }

    /// Waits for the cut, and lets an operator that got its answer go on as far as it comes.
    pub async fn is_cut(&self, within: Duration) -> bool {
        let mut is_cut = self.shared.is_cut.subscribe();
        let cut = async { is_cut.wait_for(|is_cut| *is_cut).await.is_ok() };

        timeout(within, cut).await.unwrap_or(false)
    }

    pub fn has_been_cut(&self) -> bool {
        self.plan().is_closed
    }

    /// Loses the answer to the first write of each object from here on: it is done, and the operator is told of a
    /// gateway that timed out.
    pub fn lose_answers(&self, loses: bool) {
        self.plan().lost = loses.then(Vec::new);
    }

    /// Keeps every event of every watch to itself, or no more. What was kept is never told.
    pub fn hide_events(&self, hides: bool) {
        self.plan().hides_events = hides;
    }

    /// Names this moment, to come back to.
    pub fn moment(&self) -> Moment {
        self.plan().past.mark()
    }

    /// Answers every read of an object as of another time.
    pub fn show(&self, view: View) {
        self.plan().past.show(view);
    }

    /// How often the operator looked at the platform since a pass was expected.
    pub fn passes(&self) -> usize {
        self.plan().passes
    }

    /// Every write since the proxy looks at this namespace.
    pub fn writes(&self) -> Vec<Write> {
        self.plan().writes.clone()
    }

    /// The writes that changed something.
    pub fn effective_writes(&self) -> Vec<Write> {
        let mut writes = self.writes();
        writes.retain(|write| write.is_effective);

        writes
    }

    /// Begins to wait for a pass.
    pub fn expect_a_pass(&self) {
        self.plan().passes = 0;
    }

    /// Whether the operator looked at the platform, and has not asked for anything for that long.
    pub fn is_quiet(&self, long: Duration) -> bool {
        let plan = self.plan();

        plan.passes > 0 && plan.last_request.is_some_and(|last| last.elapsed() >= long)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.shared.plan()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries one request to the API server.
    async fn forward(&self, head: &Parts, path: &str, body: Bytes) -> Result<Response> {
        let mut request = http::Request::new(kube::client::Body::from(body.to_vec()));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = path.parse()?;
        *request.headers_mut() = head.headers.clone();
        // What concerns the connection to the operator only.
        for header in ["host", "connection", "content-length", "accept-encoding"] {
            request.headers_mut().remove(header);
        }
        let answer = self.upstream.send(request).await?;

        Ok(answer.map(Body::new))
    }

    async fn read(&self, head: &Parts, path: &str) -> Result<Response> {
        if let Some((status, body)) = self.plan().past.answer(path) {
            return Ok(json(status, body));
        }
        let (status, body) = collected(self.forward(head, path, Bytes::new()).await?).await?;
        self.plan().past.learn(path, status, &body);

        Ok(json(status, body))
    }

    async fn watch(self: &Arc<Self>, head: &Parts, path: &str) -> Result<Response> {
        let answer = self.forward(head, path, Bytes::new()).await?;
        let status = answer.status();
        let shared = self.clone();
        let mut left = Vec::new();
        let events = answer.into_body().into_data_stream().map(move |part| {
            left.extend_from_slice(&part?);
            // An event is a line.
            let end = left
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1);
            let events: Vec<u8> = left.drain(..end).collect();
            let is_hidden = shared.plan().hides_events;

            Ok::<_, axum::Error>(Bytes::from(if is_hidden { Vec::new() } else { events }))
        });

        Ok((
            status,
            [("content-type", "application/json")],
            Body::from_stream(events),
        )
            .into_response())
    }

    async fn write(&self, head: &Parts, path: &str, body: Bytes) -> Result<Response> {
        let turn = self.turn.lock().await;
        if self.plan().is_closed {
            drop(turn);
            return nothing().await;
        }
        let object = object_path(path);
        let before = match head.method {
            Method::POST => None,
            _ => self.witness_of(&object).await?,
        };
        let (status, answer) = collected(self.forward(head, path, body).await?).await?;
        let write = Write {
            verb: head.method.clone(),
            path: path.split('?').next().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            is_effective: status.is_success()
                && is_counted(path)
                && is_effective(path, before.as_ref(), &answer),
        };
        let counts = write.is_effective;

        let (cut, is_lost) = {
            let mut plan = self.plan();
            let key = (write.verb.clone(), write.path.clone());
            plan.writes.push(write);
            let is_lost = match &mut plan.lost {
                Some(lost) if counts && !lost.contains(&key) => {
                    lost.push(key);
                    true
                }
                _ => false,
            };
            let cut = match plan.cut {
                Some((1, cut)) if counts => Some(cut),
                Some((more, cut)) if counts => {
                    plan.cut = Some((more - 1, cut));
                    None
                }
                _ => None,
            };
            plan.is_closed |= cut.is_some();
            (cut, is_lost)
        };
        drop(turn);
        match cut {
            Some(Cut::BeforeAnswer) => {
                self.is_cut.send_replace(true);
                nothing().await
            }
            Some(Cut::AfterAnswer) => {
                let is_cut = self.is_cut.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(GOES_ON_WITHIN).await;
                    is_cut.send_replace(true);
                });
                Ok(json(status, answer))
            }
            None if is_lost => Ok(json(StatusCode::GATEWAY_TIMEOUT, LOST.into())),
            None => Ok(json(status, answer)),
        }
    }

    async fn witness_of(&self, path: &str) -> Result<Option<serde_json::Value>> {
        let request = http::Request::get(path).body(Vec::new())?;

        match self.witness.request(request).await {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
            Err(error) => Err(error).with_context(|| format!("failed to look at {path}")),
        }
    }
}

const LOST: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Timeout","message":"the answer got lost","code":504}"#;

async fn carry(
    State(shared): State<Arc<Shared>>,
    request: http::Request<Body>,
) -> Result<Response, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = narrowed(path, &shared.plan().namespace);
    if shared.plan().is_closed {
        shared.is_cut.send_replace(true);
        return Ok(nothing().await);
    }
    let is_read = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&head.method);
    let is_watch = is_read && path.contains("watch=");
    {
        let mut plan = shared.plan();
        // Whether the API server is there is asked all the time.
        let is_about_objects = path.contains("/namespaces/") && !is_about_leases(&path);
        if !is_watch && is_about_objects {
            plan.last_request = Some(Instant::now());
        }
        if is_read && path.contains("/socialplatforms/") {
            plan.passes += 1;
        }
    }

    let answer = async {
        let body = to_bytes(body, usize::MAX).await?;
        if is_watch {
            shared.watch(&head, &path).await
        } else if is_read {
            shared.read(&head, &path).await
        } else {
            // A write that was begun is counted, whoever waits for it.
            let shared = shared.clone();
            let path = path.clone();
            tokio::spawn(async move { shared.write(&head, &path, body).await }).await?
        }
    };

    Ok(answer.await.unwrap_or_else(|error| {
        eprintln!("the proxy failed at {path}: {error:#}");
        StatusCode::BAD_GATEWAY.into_response()
    }))
}

/// Never answers: the connection ends with the operator.
async fn nothing<T>() -> T {
    std::future::pending().await
}

fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [("content-type", "application/json")], body).into_response()
}

async fn collected(answer: Response) -> Result<(StatusCode, Bytes)> {
    Ok((
        answer.status(),
        to_bytes(answer.into_body(), usize::MAX).await?,
    ))
}

/// Who leads is renewed by the clock, and has nothing to do with what there is to reconcile.
fn is_about_leases(path: &str) -> bool {
    path.contains("/leases")
}

/// The path in one namespace of what is asked of all.
fn narrowed(path: &str, namespace: &str) -> String {
    let (resource, query) = path.split_once('?').unwrap_or((path, ""));
    let mut steps: Vec<_> = resource.split('/').skip(1).collect();
    let prefix = if steps.first() == Some(&"api") { 2 } else { 3 };
    let is_of_all = steps.len() == prefix + 1 && !OF_THE_CLUSTER.contains(&steps[prefix]);
    if is_of_all {
        steps.splice(prefix..prefix, ["namespaces", namespace]);
    }
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };

    format!("/{}{query}", steps.join("/"))
}

/// This machine's address as `node` sees it.
fn address_towards(node: IpAddr) -> Result<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // Nothing is sent; the system only decides which way it would go.
    socket
        .connect((node, 9))
        .context("there is no way to the cluster's node")?;

    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_all_namespaces_is_asked_of_one() {
        for (asked, carried) in [
            (
                "/api/v1/services?watch=true",
                "/api/v1/namespaces/a/services?watch=true",
            ),
            (
                "/apis/apps/v1/deployments",
                "/apis/apps/v1/namespaces/a/deployments",
            ),
            (
                "/apis/apps/v1/namespaces/b/deployments/c",
                "/apis/apps/v1/namespaces/b/deployments/c",
            ),
            ("/api/v1/namespaces", "/api/v1/namespaces"),
            ("/apis/apps/v1", "/apis/apps/v1"),
            ("/version", "/version"),
            ("/readyz?verbose", "/readyz?verbose"),
        ] {
            assert_eq!(narrowed(asked, "a"), carried);
        }
    }
}
