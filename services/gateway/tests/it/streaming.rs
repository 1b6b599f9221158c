//! Bodies pass piece by piece, in both directions.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use futures::{StreamExt, stream};
use reqwest::Method;
use test_kit::Running;
use tokio::sync::{Notify, Semaphore};

use crate::stage::{Service, gateway, gateway_before, request, streamed};

const PATIENCE: Duration = Duration::from_secs(10);

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, what).await;

    done.expect("in time")
}

/// Waits until the gateway says that it is about to end.
async fn unready(gateway: &Running) {
    let url = format!("{}/readyz", gateway.admin_url);
    in_time(async {
        loop {
            let answer = gateway.client.get(&url).send().await.expect("an answer");
            if answer.status() == 503 {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_begins_before_it_is_whole() {
    let release = Arc::new(Notify::new());
    let held = release.clone();
    let service = Service::answering(move |_| {
        let held = held.clone();
        async move {
            let second = stream::once(async move {
                held.notified().await;
                "second"
            });
            streamed(stream::iter(["first "]).chain(second))
        }
    })
    .await;
    let gateway = gateway_before(&service.url).await;
    let response = request(&gateway, Method::GET, "/v1/posts").send().await;
    let mut response = response.expect("an answer");

    let first = response.chunk().await.expect("a chunk");
    assert_eq!(first.as_deref(), Some(&b"first "[..]));
    release.notify_one();
    assert_eq!(response.text().await.expect("text"), "second");
}

#[tokio::test]
async fn a_service_reads_a_request_before_it_is_whole() {
    let arrived = Arc::new(Semaphore::new(0));
    let seen = arrived.clone();
    let service = Service::answering(move |request: Request| {
        let seen = seen.clone();
        async move {
            let mut body = request.into_body().into_data_stream();
            let mut text = String::new();
            while let Some(Ok(chunk)) = body.next().await {
                text.push_str(&String::from_utf8_lossy(&chunk));
                seen.add_permits(1);
            }
            text
        }
    })
    .await;
    let gateway = gateway_before(&service.url).await;
    let second = async move {
        arrived.acquire().await.expect("never closed").forget();
        Ok::<_, std::io::Error>("second")
    };
    let body = stream::iter([Ok("first ")]).chain(stream::once(second));
    let response = request(&gateway, Method::POST, "/v1/media")
        .body(reqwest::Body::wrap_stream(body))
        .send()
        .await
        .expect("an answer");

    assert_eq!(response.text().await.expect("text"), "first second");
}

#[tokio::test]
async fn an_answer_may_be_larger_than_anything_that_is_kept() {
    const CHUNK: usize = 64 * 1024;
    const CHUNKS: usize = 512;
    let service = Service::answering(|_| async {
        streamed(stream::iter((0..CHUNKS).map(|_| vec![7_u8; CHUNK])))
    })
    .await;
    let gateway = gateway_before(&service.url).await;
    let response = request(&gateway, Method::GET, "/v1/media/0123456789abcdef01234567");
    let mut response = response.send().await.expect("an answer");
    let mut length = 0;
    while let Some(chunk) = in_time(response.chunk()).await.expect("a chunk") {
        length += chunk.len();
    }

    assert_eq!(length, CHUNKS * CHUNK);
}

#[tokio::test]
async fn what_runs_is_finished_after_the_gateway_is_asked_to_stop() {
    let entered = Arc::new(Semaphore::new(0));
    let release = Arc::new(Notify::new());
    let (enters, released) = (entered.clone(), release.clone());
    let service = Service::answering(move |_| {
        let (enters, released) = (enters.clone(), released.clone());
        async move {
            enters.add_permits(1);
            released.notified().await;
            streamed(stream::iter(["a ", "whole ", "answer"]))
        }
    })
    .await;
    let gateway = gateway([&service.url; 4], &[]).await;
    let running = tokio::spawn(request(&gateway, Method::GET, "/v1/posts").send());
    in_time(entered.acquire())
        .await
        .expect("never closed")
        .forget();
    gateway.ask_to_stop();
    unready(&gateway).await;
    release.notify_one();

    let response = running.await.expect("no panic").expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(response.text().await.expect("text"), "a whole answer");
    gateway.stop().await;
}
