//! Bytes no HTTP client would send.

use std::time::Duration;

use test_kit::{Running, Token, object_id};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Service, gateway_before};

const PATIENCE: Duration = Duration::from_secs(10);

pub struct Connection(TcpStream);

impl Connection {
    pub async fn to(gateway: &Running) -> Self {
        let address = gateway.url.trim_start_matches("http://");

        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    pub async fn send(&mut self, text: &str) {
        // What is refused early may be closed before all of this is written.
        let _ = self.0.write_all(text.as_bytes()).await;
    }

    /// The status of the next answer.
    pub async fn status(&mut self) -> u16 {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = tokio::time::timeout(PATIENCE, self.0.read_u8()).await;
            head.push(byte.expect("an answer in time").expect("a whole answer"));
        }
        let head = String::from_utf8(head).expect("ASCII");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());

        status.unwrap_or_else(|| panic!("no answer: {head}"))
    }

    /// All that comes until the other side closes.
    pub async fn rest(mut self) -> String {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        // A reset is an end too.
        let _ = read.expect("closed in time");

        String::from_utf8_lossy(&rest).into_owned()
    }
}

#[tokio::test]
async fn a_request_with_two_lengths_is_one_request() {
    let service = Service::saying("ok").await;
    let gateway = gateway_before(&service.url).await;
    let token = Token::Valid.of(&object_id());
    let smuggled = format!(
        "DELETE /v1/posts/0123456789abcdef01234567 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    let lengths = [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
    ];
    for lengths in lengths {
        let mut connection = Connection::to(&gateway).await;
        let head = format!("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\n{lengths}\r\n\r\n");
        connection.send(&format!("{head}0\r\n\r\n{smuggled}")).await;
        // Which of the two is meant is settled, but nothing after it is trusted.
        assert_eq!(connection.rest().await.matches("HTTP/1.1 ").count(), 1);

        let asked = service.take();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].path, "/v1/auth/login");
        assert!(asked[0].body.is_empty());
    }
}

#[tokio::test]
async fn a_body_without_a_clear_end_is_refused() {
    let service = Service::saying("never").await;
    let gateway = gateway_before(&service.url).await;
    for headers in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: -1",
        "content-length: 5, 6",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: gzip",
        "transfer-encoding : chunked",
        " folded: header",
    ] {
        let mut connection = Connection::to(&gateway).await;
        connection
            .send(&format!(
                "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\nabcdef"
            ))
            .await;
        assert_eq!(connection.status().await, 400, "{headers}");
    }
    assert!(service.take().is_empty());
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let service = Service::saying("never").await;
    let gateway = gateway_before(&service.url).await;
    for nonsense in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET /v1/posts HTTP/9.9\r\n\r\n",
    ] {
        let mut connection = Connection::to(&gateway).await;
        connection.send(nonsense).await;
        let answer = connection.rest().await;
        assert!(
            answer.starts_with("HTTP/1.1 400 "),
            "{nonsense:?}: {answer}"
        );
    }
    assert!(service.take().is_empty());
}

#[tokio::test]
async fn a_body_that_breaks_off_reaches_nobody_as_whole() {
    let service = Service::saying("ok").await;
    let gateway = gateway_before(&service.url).await;
    let mut connection = Connection::to(&gateway).await;
    connection
        .send("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n")
        .await;
    assert_eq!(connection.status().await, 400);

    assert!(service.take().is_empty());
}

#[tokio::test]
async fn a_header_that_comes_twice_is_one_request_or_none() {
    let service = Service::saying("ok").await;
    let gateway = gateway_before(&service.url).await;
    let token = Token::Valid.of(&object_id());
    let cases = [
        ("authorization", format!("Bearer {token}"), 401),
        ("content-length", "2".to_owned(), 400),
        ("content-type", "application/json".to_owned(), 200),
        ("idempotency-key", "k".to_owned(), 200),
        ("x-request-id", "r-1".to_owned(), 200),
        ("traceparent", "x".to_owned(), 200),
        ("x-forwarded-for", "192.0.2.7".to_owned(), 200),
        ("origin", "https://example.org".to_owned(), 200),
        ("accept", "*/*".to_owned(), 200),
        ("cookie", "a=b".to_owned(), 200),
    ];
    for (name, value, expected) in cases {
        let mut head = "POST /v1/posts HTTP/1.1\r\nhost: x\r\n".to_owned();
        for (needed, value) in [
            ("authorization", format!("Bearer {token}")),
            ("content-length", "2".to_owned()),
        ] {
            if needed != name {
                head += &format!("{needed}: {value}\r\n");
            }
        }
        let other = if name == "content-length" {
            "3"
        } else {
            &value
        };
        let mut connection = Connection::to(&gateway).await;
        connection
            .send(&format!(
                "{head}{name}: {value}\r\n{name}: {other}\r\n\r\n{{}}"
            ))
            .await;
        assert_eq!(connection.status().await, expected, "{name}");
        let asked = service.take();
        assert_eq!(asked.len(), usize::from(expected == 200), "{name}");
        assert!(asked.iter().all(|asked| asked.body == b"{}"), "{name}");
    }
}

#[tokio::test]
async fn dots_lead_nowhere() {
    let service = Service::saying("never").await;
    let gateway = gateway_before(&service.url).await;
    for path in [
        "/../v1/posts",
        "/%2e%2e/v1/posts",
        "/v1/posts/../../metrics",
        "/v1/./posts",
        "*",
        "//v1/posts",
    ] {
        let mut connection = Connection::to(&gateway).await;
        connection
            .send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))
            .await;
        let status = connection.status().await;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    assert!(service.take().is_empty());
}

#[tokio::test]
async fn a_request_names_one_host() {
    let service = Service::saying("ok").await;
    let gateway = gateway_before(&service.url).await;
    let requests = [
        ("1.1", "host: x\r\n", 200),
        ("1.1", "host: x\r\nhost: y\r\n", 400),
        ("1.1", "host: x\r\nHost: x\r\n", 400),
        ("1.1", "", 400),
        ("1.0", "", 200),
        ("1.0", "host: x\r\nhost: y\r\n", 400),
    ];
    for (version, hosts, status) in requests {
        let mut connection = Connection::to(&gateway).await;
        let length = "content-length: 0";
        let request = format!("POST /v1/auth/login HTTP/{version}\r\n{hosts}{length}\r\n\r\n");
        connection.send(&request).await;

        assert_eq!(connection.status().await, status, "{version} {hosts:?}");
    }
    assert_eq!(service.take().len(), 2);
}
