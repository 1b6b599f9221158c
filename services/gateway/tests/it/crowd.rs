//! More requests than a service can take.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use futures::future::join_all;
use futures::{StreamExt, stream};
use reqwest::Method;
use test_kit::assert_problem;
use tokio::sync::Semaphore;

use crate::stage::{Service, gateway, get, request};

const FEW: [&str; 2] = ["--max-concurrent-requests", "4"];
const PATIENCE: Duration = Duration::from_secs(10);

/// A service that says when it was asked, and never answers.
async fn hanging() -> (Service, Arc<Semaphore>) {
    let entered = Arc::new(Semaphore::new(0));
    let enters = entered.clone();
    let service = Service::answering(move |_: Request| {
        enters.add_permits(1);
        std::future::pending::<&str>()
    })
    .await;

    (service, entered)
}

async fn wait_for(entered: &Semaphore, requests: u32) {
    let all = tokio::time::timeout(PATIENCE, entered.acquire_many(requests)).await;

    all.expect("in time").expect("never closed").forget();
}

#[tokio::test]
async fn a_service_that_hangs_takes_only_its_own_paths_with_it() {
    let (hangs, entered) = hanging().await;
    let answers = Service::saying("ok").await;
    let gateway = gateway([&answers.url, &hangs.url, &answers.url, &answers.url], &FEW).await;
    let stuck: Vec<_> = (0..4)
        .map(|_| tokio::spawn(request(&gateway, Method::GET, "/v1/posts").send()))
        .collect();
    wait_for(&entered, 4).await;

    let refused = get(&gateway, "/v1/posts").await;
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_problem(refused, 503, "overloaded").await;
    for path in [
        "/v1/auth/me",
        "/v1/search/posts?query=x",
        "/.well-known/jwks.json",
    ] {
        let others = join_all((0..4).map(|_| get(&gateway, path))).await;
        assert!(others.iter().all(|answer| answer.status() == 200), "{path}");
    }
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn an_answer_keeps_its_place_until_it_has_passed_whole() {
    let release = Arc::new(Semaphore::new(0));
    let held = release.clone();
    let service = Service::answering(move |_| {
        let held = held.clone();
        async move {
            let rest = stream::once(async move {
                held.acquire().await.expect("never closed").forget();
                Ok::<_, std::io::Error>(Bytes::from_static(b"rest"))
            });
            Body::from_stream(stream::iter([Ok(Bytes::from_static(b"head "))]).chain(rest))
        }
    })
    .await;
    let gateway = gateway([&service.url; 4], &FEW).await;
    let begun = join_all((0..4).map(|_| get(&gateway, "/v1/posts"))).await;
    assert!(begun.iter().all(|answer| answer.status() == 200));
    assert_problem(get(&gateway, "/v1/posts").await, 503, "overloaded").await;

    release.add_permits(5);
    for answer in begun {
        assert_eq!(answer.text().await.expect("text"), "head rest");
    }
    assert_eq!(get(&gateway, "/v1/posts").await.status(), 200);
}

#[tokio::test]
async fn a_client_that_hangs_up_frees_its_place() {
    let (hangs, entered) = hanging().await;
    let gateway = gateway([&hangs.url; 4], &FEW).await;
    let stuck: Vec<_> = (0..4)
        .map(|_| tokio::spawn(request(&gateway, Method::GET, "/v1/posts").send()))
        .collect();
    wait_for(&entered, 4).await;
    stuck.iter().for_each(tokio::task::JoinHandle::abort);

    let after = tokio::spawn(async move {
        loop {
            // Refused until the gateway has seen that the others are gone; then it hangs as they did.
            let answer = get(&gateway, "/v1/posts").await;
            assert_eq!(answer.status(), 503);
        }
    });
    wait_for(&entered, 1).await;
    after.abort();
}
