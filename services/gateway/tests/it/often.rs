//! Clients that ask often.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use reqwest::{Client, Method, Response};
use test_kit::{Proxy, Running, assert_problem, object_id};

use crate::stage::{Service, gateway, request};

const TRIES: usize = 10_000;
const AT_ONCE: usize = 32;
/// The quota of logins that is tried, by default settings.
const BURST: u64 = 30;
const PER_SECOND: u64 = 1;
const LOGINS: [&str; 4] = [
    "--auth-rate-limit-per-minute",
    "60",
    "--auth-rate-limit-burst",
    "30",
];

/// Random enough that no other test, and no test before, was the same client.
fn random() -> u64 {
    u64::from_str_radix(&object_id()[..8], 16).expect("hex digits")
}

/// A client that connects from an address of its own.
fn client() -> Client {
    let [_, b, c, d] = u32::try_from(random()).expect("32 bits").to_be_bytes();

    Client::builder()
        .no_proxy()
        .local_address(Some(Ipv4Addr::new(127, b, c, d.clamp(1, 254)).into()))
        .build()
        .expect("a client")
}

async fn limited(service: &Service, more: &[&str]) -> Running {
    let url = test_kit::redis_url();
    let settings = [&LOGINS[..], &["--redis-url", &url], more].concat();

    gateway([&service.url; 4], &settings).await
}

async fn reaches_redis(gateway: &Running) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let request = gateway.client.get(format!("{}/metrics", gateway.admin_url));
        let metrics = request.send().await.expect("an answer").text().await;
        if metrics.expect("text").contains("redis_connected 1") {
            return;
        }
        assert!(Instant::now() < deadline, "Redis is not reached");
    }
}

/// How many of [`TRIES`] logins are let through, each with the headers that `disguise` gives it; and how many may be.
async fn accepted(
    gateway: &Running,
    client: &Client,
    disguise: impl Fn(usize) -> Vec<(&'static str, String)>,
) -> (u64, u64) {
    let started = Instant::now();
    let accepted = AtomicUsize::new(0);
    let requests = stream::iter(0..TRIES).map(|number| {
        let mut request = client.post(gateway.at("/v1/auth/login")).body("{}");
        for (name, value) in disguise(number) {
            request = request.header(name, value);
        }
        let accepted = &accepted;
        async move {
            match request.send().await.expect("an answer").status().as_u16() {
                200 => accepted.fetch_add(1, Ordering::Relaxed),
                status => {
                    assert_eq!(status, 429);
                    0
                }
            };
        }
    });
    requests
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
    let allowed = BURST + PER_SECOND * (started.elapsed().as_secs() + 1);

    (accepted.into_inner() as u64, allowed)
}

fn claim(number: usize) -> String {
    let [a, b] = u16::try_from(number).expect("16 bits").to_be_bytes();
    format!("203.{a}.{b}.7")
}

#[tokio::test]
async fn whatever_a_client_claims_it_is_one_client() {
    let service = Service::answering(|_| async { "ok" }).await;
    let gateway = limited(&service, &[]).await;
    let (accepted, allowed) = accepted(&gateway, &client(), |number| {
        let claim = claim(number);
        vec![
            ("forwarded", format!("for={claim}")),
            ("x-real-ip", claim.clone()),
            ("x-forwarded-for", claim),
        ]
    })
    .await;

    assert!(accepted <= allowed, "{accepted} of at most {allowed}");
    assert!(accepted >= BURST, "{accepted} of at least {BURST}");
}

#[tokio::test]
async fn behind_a_proxy_only_the_proxy_is_believed() {
    let service = Service::answering(|_| async { "ok" }).await;
    let gateway = limited(&service, &["--trusted-hops", "1"]).await;
    let address = claim(usize::try_from(random() % 65_536).expect("fits"));
    let (accepted, allowed) = accepted(&gateway, &client(), |number| {
        let line = format!("{}, 198.51.{}", claim(number), &address[4..]);
        vec![("x-forwarded-for", line)]
    })
    .await;

    assert!(accepted <= allowed, "{accepted} of at most {allowed}");
    assert!(accepted >= BURST, "{accepted} of at least {BURST}");
}

#[tokio::test]
async fn behind_two_proxies_all_addresses_of_a_subscriber_are_one_client() {
    let service = Service::answering(|_| async { "ok" }).await;
    let gateway = limited(&service, &["--trusted-hops", "2"]).await;
    let (a, b) = (random() & 0xffff, random() & 0xffff);
    let (accepted, allowed) = accepted(&gateway, &client(), |number| {
        let line = format!(
            "{}, 2001:db8:{a:x}:{b:x}::{number:x}, 10.0.0.2",
            claim(number)
        );
        vec![("x-forwarded-for", line)]
    })
    .await;

    assert!(accepted <= allowed, "{accepted} of at most {allowed}");
    assert!(accepted >= BURST, "{accepted} of at least {BURST}");
}

#[tokio::test]
async fn a_client_is_told_how_often_it_may_ask() {
    let service = Service::saying("ok").await;
    let gateway = gateway([&service.url; 4], &LOGINS).await;
    let login = async || {
        let request = gateway.client.post(gateway.at("/v1/auth/login"));
        request.send().await.expect("an answer")
    };
    let told = |answer: &Response| {
        ["ratelimit-policy", "ratelimit"]
            .map(|name| answer.headers()[name].to_str().expect("text").to_owned())
    };
    assert_eq!(
        told(&login().await),
        [r#""auth";q=30;w=30"#, r#""auth";r=29;t=1"#]
    );
    let mut answer = login().await;
    while answer.status() == 200 {
        answer = login().await;
    }

    let [policy, state] = told(&answer);
    assert_eq!(policy, r#""auth";q=30;w=30"#);
    assert!(state.starts_with(r#""auth";r=0;t="#), "{state}");
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_problem(answer, 429, "rate_limited").await;
    // The other paths are counted apart.
    assert_eq!(
        request(&gateway, Method::GET, "/v1/posts")
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn replicas_count_together() {
    let service = Service::saying("ok").await;
    let client = client();
    let (one, other) = (limited(&service, &[]).await, limited(&service, &[]).await);
    for gateway in [&one, &other] {
        reaches_redis(gateway).await;
    }
    let mut accepted = 0;
    let started = Instant::now();
    for _ in 0..BURST {
        for gateway in [&one, &other] {
            let request = client.post(gateway.at("/v1/auth/login"));
            let answer = request.send().await.expect("an answer");
            accepted += u64::from(answer.status() == 200);
        }
    }
    let allowed = BURST + PER_SECOND * (started.elapsed().as_secs() + 1);

    assert!(accepted <= allowed, "{accepted} of at most {allowed}");
}

#[tokio::test]
async fn redis_that_goes_away_under_load_is_not_noticed() {
    let service = Service::answering(|_| async { "ok" }).await;
    let proxy = Proxy::open(&test_kit::redis_url()).await;
    let gateway = gateway([&service.url; 4], &["--redis-url", &proxy.url]).await;
    let until = Instant::now() + Duration::from_secs(4);
    let answered = AtomicUsize::new(0);
    let load = async {
        let clients = (0..AT_ONCE).map(|_| async {
            while Instant::now() < until {
                let answer = request(&gateway, Method::GET, "/v1/posts").send().await;
                assert_eq!(answer.expect("an answer").status(), 200);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
        futures::future::join_all(clients).await;
    };
    let trouble = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(700)).await;
            proxy.cut();
            tokio::time::sleep(Duration::from_millis(700)).await;
            proxy.reopen();
        }
    };
    futures::future::join(load, trouble).await;

    assert!(answered.into_inner() > AT_ONCE);
}

#[tokio::test]
async fn a_redis_that_is_slow_is_not_waited_for() {
    let service = Service::answering(|_| async { "ok" }).await;
    let proxy = Proxy::open(&test_kit::redis_url()).await;
    let gateway = gateway([&service.url; 4], &["--redis-url", &proxy.url]).await;
    reaches_redis(&gateway).await;
    let slow = Duration::from_secs(2);
    proxy.delay(slow);

    let started = Instant::now();
    for _ in 0..10 {
        let answer = request(&gateway, Method::GET, "/v1/posts").send().await;
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    assert!(started.elapsed() < slow, "{:?}", started.elapsed());
}
