//! How much a client may send.

use reqwest::Method;
use test_kit::{Token, assert_problem, object_id};

use crate::raw::Connection;
use crate::stage::{MAX_UPLOAD_BYTES, Service, gateway_before, request, unannounced};

const KIB: usize = 1024;
const MAX_JSON_BYTES: usize = 64 * KIB;
/// The file, and what a form may put around it.
const MAX_FORM_BYTES: usize = MAX_UPLOAD_BYTES + 128 * KIB;

#[tokio::test]
async fn a_body_passes_up_to_its_limit_and_not_a_byte_beyond() {
    let service = Service::saying("ok").await;
    let gateway = gateway_before(&service.url).await;
    for (path, limit) in [
        ("/v1/auth/login", MAX_JSON_BYTES),
        ("/v1/posts", MAX_JSON_BYTES),
        ("/v1/media", MAX_FORM_BYTES),
        ("/v1/media/upload-media", MAX_FORM_BYTES),
    ] {
        let send = async |body: reqwest::Body| {
            let request = request(&gateway, Method::POST, path).body(body);
            request.send().await.expect("an answer")
        };
        for within in [vec![7; limit].into(), unannounced(vec![vec![7; limit]])] {
            assert_eq!(send(within).await.status(), 200, "{path}");
            assert_eq!(service.take()[0].body.len(), limit, "{path}");
        }
        for beyond in [
            vec![7; limit + 1].into(),
            unannounced(vec![vec![7; limit], vec![7]]),
        ] {
            assert_problem(send(beyond).await, 413, "too_large").await;
        }
    }
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_waited_for() {
    let service = Service::saying("never").await;
    let gateway = gateway_before(&service.url).await;
    let mut connection = Connection::to(&gateway).await;
    let token = Token::Valid.of(&object_id());
    connection
        .send(&format!(
            "POST /v1/media HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-length: 1000000000000\r\n\r\nabc"
        ))
        .await;

    assert_eq!(connection.status().await, 413);
    assert!(service.take().is_empty());
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_no_without_sending() {
    let service = Service::saying("ok").await;
    let gateway = gateway_before(&service.url).await;
    let head = |length: usize| {
        format!(
            "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    let mut connection = Connection::to(&gateway).await;
    connection.send(&head(MAX_JSON_BYTES + 1)).await;
    assert_eq!(connection.status().await, 413);

    let mut connection = Connection::to(&gateway).await;
    connection.send(&head(3)).await;
    assert_eq!(connection.status().await, 100);
    connection.send("abc").await;
    assert_eq!(connection.status().await, 200);
    assert!(!service.take()[0].headers.contains_key("expect"));
}

#[tokio::test]
async fn a_client_that_sends_far_too_much_still_gets_its_answer() {
    let service = Service::saying("never").await;
    let gateway = gateway_before(&service.url).await;
    for body in [
        vec![7; 8 * KIB * KIB].into(),
        unannounced(vec![vec![7; 64 * KIB]; 128]),
    ] {
        let sent = request(&gateway, Method::POST, "/v1/media")
            .body(body)
            .send();
        assert_problem(sent.await.expect("an answer"), 413, "too_large").await;
    }
}

#[tokio::test]
async fn a_stranger_who_uploads_is_asked_for_a_token() {
    let service = Service::saying("never").await;
    let gateway = gateway_before(&service.url).await;
    let upload = gateway
        .client
        .post(gateway.at("/v1/media"))
        .body(vec![7; 8 * KIB * KIB]);

    assert_problem(
        upload.send().await.expect("an answer"),
        401,
        "token_missing",
    )
    .await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let service = Service::saying("never").await;
    let gateway = gateway_before(&service.url).await;
    let many = |count: usize| -> String { (0..count).map(|n| format!("x-{n}: y\r\n")).collect() };
    let long = format!("x-long: {}\r\n", "x".repeat(100_000));
    // The last are few bytes, and still more headers than anybody has.
    for headers in [long, many(10_000), many(200)] {
        let mut connection = Connection::to(&gateway).await;
        connection
            .send(&format!(
                "GET /v1/posts HTTP/1.1\r\nhost: x\r\n{headers}\r\n"
            ))
            .await;

        assert_eq!(connection.status().await, 431, "{headers:.20}");
    }
    assert!(service.take().is_empty());
}
