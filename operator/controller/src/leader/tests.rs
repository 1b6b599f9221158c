//! Candidates before one API server, which keeps a Lease and refuses what is stale.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use kube::core::Status;

use super::*;

#[derive(Debug, Default)]
struct Server {
    lease: Option<Lease>,
    version: u64,
    is_silent: bool,
}

#[derive(Debug, Clone, Default)]
struct ApiServer(Arc<Mutex<Server>>);

impl ApiServer {
    fn candidate(&self, me: &str) -> Election {
        let server = self.clone();
        let service = tower::service_fn(move |request| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        let client = Client::new(service, "system");
        let metrics = Metrics::new().unwrap();

        Election::new(
            client,
            "system",
            "operator".to_owned(),
            me.to_owned(),
            Tenure::default(),
            metrics,
        )
    }

    fn silence(&self, is_silent: bool) {
        self.0.lock().unwrap().is_silent = is_silent;
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        if self.0.lock().unwrap().is_silent {
            return std::future::pending().await;
        }
        let path = "/apis/coordination.k8s.io/v1/namespaces/system/leases";
        assert!(head.uri.path().starts_with(path), "{}", head.uri);

        let mut server = self.0.lock().unwrap();
        let version = server.version.to_string();
        match (head.method, &server.lease) {
            (Method::GET, Some(lease)) => answer(200, lease),
            (Method::GET, None) => refuse(404, "NotFound"),
            (Method::POST, Some(_)) => refuse(409, "AlreadyExists"),
            (Method::POST, None) => server.store(&body),
            (Method::PUT, Some(_)) => {
                let sent: Lease = serde_json::from_slice(&body).unwrap();
                if sent.metadata.resource_version == Some(version) {
                    server.store(&body)
                } else {
                    refuse(409, "Conflict")
                }
            }
            (method, _) => panic!("{method} was not expected"),
        }
    }
}

impl Server {
    fn store(&mut self, body: &[u8]) -> Response<Body> {
        let mut lease: Lease = serde_json::from_slice(body).unwrap();
        self.version += 1;
        lease.metadata.resource_version = Some(self.version.to_string());
        let stored = self.lease.insert(lease);

        answer(200, stored)
    }
}

fn answer(code: u16, body: &impl serde::Serialize) -> Response<Body> {
    let body = serde_json::to_vec(body).unwrap();

    Response::builder()
        .status(code)
        .body(Body::from(body))
        .unwrap()
}

fn refuse(code: u16, reason: &str) -> Response<Body> {
    answer(code, &Status::failure("refused", reason).with_code(code))
}

fn never() -> CancellationToken {
    CancellationToken::new()
}

/// How long a candidate waits for its turn.
async fn wait_of(candidate: &mut Election) -> Duration {
    let began = Instant::now();
    assert!(candidate.win(&never()).await);

    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_first_leads_at_once_and_so_does_its_successor_when_it_leaves() {
    let server = ApiServer::default();
    let (mut first, mut second) = (server.candidate("a"), server.candidate("b"));
    assert!(wait_of(&mut first).await < Duration::from_millis(10));

    let never = never();
    tokio::select! {
        lost = first.keep() => panic!("{lost}"),
        _ = second.win(&never) => panic!("two lead"),
        () = tokio::time::sleep(Duration::from_secs(600)) => {}
    }
    first.release().await;

    assert!(!first.tenure.is_held());
    assert!(wait_of(&mut second).await <= LOOK);
    assert!(second.tenure.is_held());
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_died_is_followed_after_its_time() {
    let server = ApiServer::default();
    let (mut dead, mut next) = (server.candidate("a"), server.candidate("b"));
    wait_of(&mut dead).await;

    let waited = wait_of(&mut next).await;

    assert!(waited >= lease::LEASE, "{waited:?}");
    assert!(waited < lease::LEASE + LOOK, "{waited:?}");
    assert!(!dead.tenure.is_held());
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_is_restarted_leads_again_at_once() {
    let server = ApiServer::default();
    wait_of(&mut server.candidate("a")).await;

    assert!(wait_of(&mut server.candidate("a")).await < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_hears_nothing_stops_before_another_may_start() {
    let server = ApiServer::default();
    let mut holder = server.candidate("a");
    wait_of(&mut holder).await;
    let began = Instant::now();
    server.silence(true);

    assert_eq!(holder.keep().await, Lost::NotRenewed);

    assert_eq!(began.elapsed(), RENEWAL);
    assert!(RENEWAL < lease::LEASE);
    assert!(!holder.tenure.is_held());
}

#[tokio::test(start_paused = true)]
async fn a_short_silence_is_survived() {
    let server = ApiServer::default();
    let mut holder = server.candidate("a");
    wait_of(&mut holder).await;
    server.silence(true);

    let silence = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        server.silence(false);
        tokio::time::sleep(Duration::from_secs(60)).await;
    };
    tokio::select! {
        lost = holder.keep() => panic!("{lost}"),
        () = silence => {}
    }

    assert!(holder.tenure.is_held());
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_lease_was_taken_learns_it_at_its_next_renewal() {
    let server = ApiServer::default();
    let mut holder = server.candidate("a");
    wait_of(&mut holder).await;
    {
        let mut server = server.0.lock().unwrap();
        server.version += 1;
        let version = server.version.to_string();
        let lease = server.lease.as_mut().unwrap();
        lease.metadata.resource_version = Some(version);
        lease.spec.as_mut().unwrap().holder_identity = Some("b".to_owned());
    }

    assert_eq!(holder.keep().await, Lost::Taken("b".to_owned()));
    assert!(!holder.tenure.is_held());
    holder.release().await;
    let stored = server.0.lock().unwrap().lease.clone().unwrap();
    assert_eq!(stored.spec.unwrap().holder_identity.as_deref(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn of_many_that_start_together_one_leads() {
    let server = ApiServer::default();
    let mut candidates: Vec<_> = (0..8)
        .map(|number| server.candidate(&format!("candidate-{number}")))
        .collect();
    let wins = candidates.iter_mut().map(async |candidate| {
        let win = tokio::time::timeout(Duration::from_secs(10), candidate.win(&never())).await;
        usize::from(win.is_ok())
    });

    let leading: usize = futures::future::join_all(wins).await.into_iter().sum();

    assert_eq!(leading, 1);
}

#[tokio::test(start_paused = true)]
async fn a_candidate_that_is_told_to_stop_stops_waiting() {
    let server = ApiServer::default();
    wait_of(&mut server.candidate("a")).await;
    let stop = never();
    stop.cancel();

    assert!(!server.candidate("b").win(&stop).await);
}
