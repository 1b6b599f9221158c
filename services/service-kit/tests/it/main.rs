//! What every service keeps, seen from outside: one shape of failure, bounds, and an end that loses no request.

mod auth;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use clap::Parser;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::{Health, JsonBody, Metrics, ServerConfig, Service};
use test_kit::{Running, assert_problem};
use tokio::sync::{Notify, Semaphore};

/// One request at a time, for a second each, so that bounds can be met.
#[derive(Debug, Parser)]
struct Config {
    #[command(flatten)]
    server: ServerConfig,
}

/// Lets a test hold a request inside its handler.
#[derive(Clone)]
struct Hold {
    entered: Arc<Semaphore>,
    release: Arc<Notify>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

async fn start(arguments: &[&str]) -> (Running, Hold) {
    let hold = Hold {
        entered: Arc::new(Semaphore::new(0)),
        release: Arc::new(Notify::new()),
    };
    let config = Config::parse_from(["sample"].iter().chain(arguments));
    let routes = Router::new()
        .route(
            "/name",
            post(|JsonBody(named): JsonBody<Named>| async move { named.name }),
        )
        .route("/panic", get(panics))
        .route("/hold", get(held))
        .with_state(hold.clone());
    let running = Running::start(|listeners, shutdown| async move {
        let service = Service {
            routes,
            health: Health::new(),
            metrics: Metrics::new(),
        };
        service.serve(&config.server, listeners, shutdown).await;
        Ok::<_, Infallible>(())
    });

    (running.await.ready().await, hold)
}

async fn panics() -> StatusCode {
    panic!("on purpose")
}

async fn held(State(hold): State<Hold>) -> &'static str {
    hold.entered.add_permits(1);
    hold.release.notified().await;
    "released"
}

impl Hold {
    async fn entered(&self) {
        self.entered.acquire().await.expect("never closed").forget();
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let (service, _) = start(&[]).await;
    let client = &service.client;

    let response = client
        .get(service.at("/nowhere"))
        .send()
        .await
        .expect("answered");
    assert_problem(response, 404, "no_such_path").await;
    let response = client
        .get(service.at("/name"))
        .send()
        .await
        .expect("answered");
    assert_eq!(response.headers()["allow"], "POST");
    assert_problem(response, 405, "method_not_allowed").await;
}

#[tokio::test]
async fn bodies_are_checked_before_a_handler_runs() {
    let (service, _) = start(&[]).await;
    let post = |body: String| service.client.post(service.at("/name")).body(body);
    let json = |body: String| post(body).header("content-type", "application/json").send();

    let good = json(json!({ "name": "ada" }).to_string())
        .await
        .expect("answered");
    assert_eq!(good.text().await.expect("text"), "ada");
    let cases = [
        ("{", 400, "malformed_json"),
        ("{}", 422, "invalid_field"),
        (r#"{"name":7}"#, 422, "invalid_field"),
        (
            &format!(r#"{{"name":"{}"}}"#, "a".repeat(70_000)),
            413,
            "too_large",
        ),
    ];
    for (body, status, code) in cases {
        assert_problem(json(body.to_owned()).await.expect("answered"), status, code).await;
    }
    let no_type = post("{}".to_owned()).send().await.expect("answered");
    assert_problem(no_type, 415, "not_json").await;
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_service_goes_on() {
    let (service, _) = start(&[]).await;
    for _ in 0..2 {
        let response = service
            .client
            .get(service.at("/panic"))
            .send()
            .await
            .expect("answered");
        assert_problem(response, 500, "internal").await;
    }
}

#[tokio::test]
async fn a_callers_request_id_comes_back() {
    let (service, _) = start(&[]).await;
    let request = service
        .client
        .get(service.at("/nowhere"))
        .header("x-request-id", "mine-1");
    let problem =
        assert_problem(request.send().await.expect("answered"), 404, "no_such_path").await;

    assert_eq!(problem["requestId"], "mine-1");
}

#[tokio::test]
async fn requests_above_the_bound_are_shed() {
    let (service, hold) = start(&["--max-concurrent-requests", "1"]).await;
    let first = tokio::spawn(service.client.get(service.at("/hold")).send());
    hold.entered().await;

    let second = service
        .client
        .get(service.at("/hold"))
        .send()
        .await
        .expect("answered");
    assert_eq!(second.headers()["retry-after"], "1");
    assert_problem(second, 503, "overloaded").await;

    hold.release.notify_one();
    assert_eq!(
        first.await.expect("joined").expect("answered").status(),
        200
    );
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let (service, _) = start(&["--request-timeout-seconds", "1"]).await;
    let response = service
        .client
        .get(service.at("/hold"))
        .send()
        .await
        .expect("answered");

    assert_problem(response, 503, "timeout").await;
}

#[tokio::test]
async fn a_request_in_flight_is_finished_after_the_service_is_asked_to_stop() {
    let (service, hold) = start(&[]).await;
    let running = tokio::spawn(service.client.get(service.at("/hold")).send());
    hold.entered().await;
    service.ask_to_stop();

    // Not ready any more, but alive, while the request runs.
    loop {
        let ready = service
            .client
            .get(format!("{}/readyz", service.admin_url))
            .send();
        let readiness = ready.await.expect("the admin port answers while draining");
        if readiness.status() == 503 {
            let said: Value = readiness.json().await.expect("JSON");
            assert_eq!(said["checks"][0]["reason"], "the process is about to stop");
            break;
        }
        tokio::task::yield_now().await;
    }
    hold.release.notify_one();
    let response = running.await.expect("joined").expect("answered");
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(response.text().await.expect("text"), "released");

    let url = service.at("/name");
    service.stop().await;
    assert!(reqwest::get(url).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn metrics_count_requests_by_route_template() {
    let (service, _) = start(&[]).await;
    service
        .client
        .get(service.at("/name?x=1"))
        .send()
        .await
        .expect("answered");
    let metrics = service
        .client
        .get(format!("{}/metrics", service.admin_url))
        .send();
    let text = metrics.await.expect("answered").text().await.expect("text");

    let line = r#"http_requests_total{method="GET",route="/name",status="405"} 1"#;
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn a_method_somebody_made_up_is_no_metric_of_its_own() {
    let (service, _) = start(&[]).await;
    let method = "BREW".parse().expect("a method");
    let request = service.client.request(method, service.at("/name"));
    assert_problem(
        request.send().await.expect("answered"),
        405,
        "method_not_allowed",
    )
    .await;
    let metrics = service
        .client
        .get(format!("{}/metrics", service.admin_url))
        .send();
    let text = metrics.await.expect("answered").text().await.expect("text");

    assert!(text.contains(r#"method="other""#), "{text}");
    assert!(!text.contains("BREW"), "{text}");
}

#[tokio::test]
async fn a_client_that_sends_far_too_much_gets_its_answer() {
    let (service, _) = start(&[]).await;
    for path in ["/name", "/nowhere"] {
        let response = service
            .client
            .post(service.at(path))
            .header("content-type", "application/json")
            .body(vec![b' '; 8 * 1024 * 1024])
            .send()
            .await
            .expect("answered");
        let expected = if path == "/name" { 413 } else { 404 };
        assert_eq!(response.status(), expected);
    }
}
