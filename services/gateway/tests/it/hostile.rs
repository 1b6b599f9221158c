//! Requests that two parties could read in two ways, each followed by somebody else's on the same connection.

use std::time::Duration;

use reqwest::Client;
use test_kit::{Running, object_id};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::gateway;
use crate::wire::{CUT, Seen, Wire};

/// What the corpus tries to have asked in the name of another.
const SMUGGLED: &str = "/v1/media/dead00000000000000000000";
/// An answer that has not come until then does not come.
const SILENCE: Duration = Duration::from_millis(150);

/// The head of a request with a body, `headers` being those that say where it ends, and what follows it.
fn login(headers: &str, rest: &str) -> Vec<u8> {
    format!("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n{rest}").into_bytes()
}

fn smuggled() -> String {
    format!("GET {SMUGGLED} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// Two statements about the length of one body.
fn two_lengths() -> Vec<Vec<u8>> {
    let smuggled = smuggled();
    let ended = format!("0\r\n\r\n{smuggled}");
    let all = ended.len();
    let chunk = format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len());

    vec![
        login(
            &format!("content-length: {all}\r\ntransfer-encoding: chunked"),
            &ended,
        ),
        login(
            &format!("transfer-encoding: chunked\r\ncontent-length: {all}"),
            &ended,
        ),
        login("content-length: 4\r\ntransfer-encoding: chunked", &chunk),
        login(
            &format!("content-length: 0\r\ncontent-length: {all}"),
            &ended,
        ),
        login(
            &format!("content-length: {all}\r\ncontent-length: 0"),
            &ended,
        ),
        login(&format!("content-length: 0, {all}"), &ended),
        login(
            &format!("content-length: {all}\r\ncontent_length: 0"),
            &ended,
        ),
        login(
            &format!("content-length: {all}\r\ntransfer_encoding: chunked"),
            &ended,
        ),
        login(
            &format!("content-length: {all}\r\nconnection: content-length"),
            &ended,
        ),
        login(
            "transfer-encoding: chunked\r\nconnection: transfer-encoding",
            &chunk,
        ),
        login(
            &format!("content-length: {all}\r\nx: y\ntransfer-encoding: chunked"),
            &ended,
        ),
        login(
            &format!("content-length: {all}\r\nx: y\rtransfer-encoding: chunked"),
            &ended,
        ),
    ]
}

/// A length or a coding that is not quite one.
fn odd_lengths() -> Vec<Vec<u8>> {
    let smuggled = smuggled();
    let ended = format!("0\r\n\r\n{smuggled}");
    let lines = [
        "content-length: +5",
        "content-length: -1",
        "content-length: 0x5",
        "content-length: 5 5",
        "content-length: 5;",
        "content-length: 18446744073709551616",
        "content-length:",
        "content-length : 5",
        "content-length\t: 5",
        " content-length: 5",
        "content-length:\r\n 5",
        "x: y\r\n content-length: 5",
        "transfer-encoding : chunked",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: identity, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: \u{b}chunked",
        "transfer-encoding:\r\n chunked",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding: chunk\0ed",
    ];

    lines.iter().map(|line| login(line, &ended)).collect()
}

/// Chunks whose end could be elsewhere.
fn odd_chunks() -> Vec<Vec<u8>> {
    let smuggled = smuggled();
    let bodies = [
        format!("0;a=\"\r\n\r\n{smuggled}"),
        format!("5;a=b\nXXXXX\r\n0\r\n\r\n{smuggled}"),
        format!("5;{}\r\nabcde\r\n0\r\n\r\n{smuggled}", "a".repeat(40_000)),
        format!("+0\r\n\r\n{smuggled}"),
        format!("-5\r\n\r\n{smuggled}"),
        format!("0x0\r\n\r\n{smuggled}"),
        format!("FFFFFFFFFFFFFFFFF\r\n{smuggled}"),
        format!("5 \r\nabcde\r\n0\r\n\r\n{smuggled}"),
        format!("5\nabcde\n0\n\n{smuggled}"),
        format!("5\r\nabcdeXX0\r\n\r\n{smuggled}"),
        format!("0\r\ncontent-length: 50\r\n\r\n{smuggled}"),
        format!("0\r\nx y\r\n\r\n{smuggled}"),
        format!("\r\n\r\n{smuggled}"),
    ];
    let headers = "transfer-encoding: chunked";

    bodies.iter().map(|body| login(headers, body)).collect()
}

/// Heads that could lead elsewhere, or be two.
fn odd_heads() -> Vec<Vec<u8>> {
    let smuggled = smuggled();
    let lines = [
        "GET  /v1/media/a HTTP/1.1",
        "GET /v1/media/a  HTTP/1.1",
        "GET /v1/media/a HTTP/1.1 HTTP/1.1",
        "GET /v1/media/a b HTTP/1.1",
        "GET\t/v1/media/a\tHTTP/1.1",
        "GET /v1/media/a\0b HTTP/1.1",
        "GET /v1/media/\u{7f} HTTP/1.1",
        "GET //v1/media/a HTTP/1.1",
        "GET /v1/posts/../media/a HTTP/1.1",
        "GET /v1/%6dedia/%2e%2e/%2e%2e/metrics HTTP/1.1",
        "GET /v1/media/..;/metrics HTTP/1.1",
        "GET /v1;x=y/media/a HTTP/1.1",
        "GET http://evil.example/v1/nowhere HTTP/1.1",
        "GET http://a@evil.example:80/ HTTP/1.1",
        "CONNECT evil.example:443 HTTP/1.1",
        "* / HTTP/1.1",
        "GET /v1/nowhere HTTP/1.2",
        "GET /v1/nowhere HTTP/2.0",
        "GET /v1/nowhere http/1.1",
        "GET /v1/nowhere",
        "PRI * HTTP/2.0",
        "\0GET /v1/nowhere HTTP/1.1",
        "G\u{e9}T /v1/nowhere HTTP/1.1",
    ];
    let many: String = (0..10_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let mut heads: Vec<_> = lines
        .iter()
        .map(|line| format!("{line}\r\nhost: x\r\nconnection: close\r\n\r\n"))
        .collect();
    heads.extend([
        format!("GET /v1/nowhere HTTP/1.1\r\n{many}\r\n"),
        format!(
            "GET /v1/nowhere HTTP/1.1\r\nx: {}\r\n\r\n",
            "y".repeat(100_000)
        ),
        "GET /v1/nowhere HTTP/1.1\r\nx\0: y\r\n\r\n".to_owned(),
        "GET /v1/nowhere HTTP/1.1\r\nx: y\0\r\n\r\n".to_owned(),
        "GET /v1/nowhere HTTP/1.1\r\n: y\r\n\r\n".to_owned(),
        "GET /v1/nowhere HTTP/1.1\r\nno colon\r\n\r\n".to_owned(),
        // Tunnels that are asked for and not given.
        "GET /v1/nowhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n"
            .to_owned(),
        format!(
            "POST /v1/auth/login HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
        ),
    ]);

    heads.into_iter().map(String::into_bytes).collect()
}

/// What comes back for `bytes` on a connection of their own.
async fn answers(gateway: &Running, bytes: &[u8]) -> String {
    let address = gateway.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // What is refused early may be closed before all of this is written.
    let _ = stream.write_all(bytes).await;
    let mut said = Vec::new();
    while let Ok(Ok(length)) = tokio::time::timeout(SILENCE, stream.read_buf(&mut said)).await {
        if length == 0 {
            break;
        }
    }

    String::from_utf8_lossy(&said).into_owned()
}

/// Somebody else asks for something, and gets that.
async fn victim(gateway: &Running, client: &Client, after: &str) -> String {
    let path = format!("/v1/media/{}", object_id());
    let answer = client.get(gateway.at(&path)).send().await;
    let answer = answer.unwrap_or_else(|error| panic!("after {after}: {error}"));
    assert_eq!(answer.status(), 200, "after {after}");
    assert_eq!(answer.text().await.expect("text"), path, "after {after}");

    path
}

#[tokio::test]
async fn no_request_becomes_two_and_no_answer_somebody_elses() {
    let wire = Wire::start().await;
    let gateway = gateway([&wire.url; 4], &[]).await;
    let client = Client::builder().no_proxy().build().expect("a client");
    let unclear = [two_lengths(), odd_lengths(), odd_heads()].concat();
    let clear = odd_chunks();
    assert!(unclear.len() + clear.len() >= 40);
    for (bytes, is_clear) in unclear
        .iter()
        .map(|bytes| (bytes, false))
        .chain(clear.iter().map(|bytes| (bytes, true)))
    {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let said = answers(&gateway, bytes).await;
        let victim = victim(&gateway, &client, &shown).await;

        let mut seen = wire.take();
        assert_eq!(seen.pop(), Some(Seen::Request(victim)), "{shown}");
        for request in &seen {
            let Seen::Request(target) = request else {
                // What the gateway gave up in its middle is cut, not ended; nothing else may be unclear.
                assert_eq!(*request, Seen::Unclear(CUT.to_owned()), "{shown}");
                continue;
            };
            // After a body whose end everybody sees, a second request is one; its answer is its sender's.
            assert!(is_clear || target != SMUGGLED, "{shown}");
            assert!(said.contains(target.as_str()), "{target} of {shown}");
        }
        let answers = said.matches("HTTP/1.1 ").count();
        assert!(answers <= if is_clear { 2 } else { 1 }, "{said} to {shown}");
        assert!(!said.contains("HTTP/1.1 5"), "{said} to {shown}");
    }
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_a_row() {
    let wire = Wire::start().await;
    let gateway = gateway([&wire.url; 4], &[]).await;
    let paths: Vec<_> = (0..20)
        .map(|_| format!("/v1/media/{}", object_id()))
        .collect();
    let requests: String = paths
        .iter()
        .map(|path| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))
        .collect();
    let said = answers(&gateway, requests.as_bytes()).await;
    let mut rest = said.as_str();
    for path in &paths {
        let (_, after) = rest.split_once(path.as_str()).expect("its answer, in turn");
        rest = after;
    }

    assert_eq!(said.matches("HTTP/1.1 200").count(), paths.len());
    assert_eq!(wire.take().len(), paths.len());
}

#[tokio::test]
async fn a_body_shorter_than_it_says_reaches_nobody_as_whole() {
    let wire = Wire::start().await;
    let gateway = gateway([&wire.url; 4], &[]).await;
    let client = Client::builder().no_proxy().build().expect("a client");
    let address = gateway.url.trim_start_matches("http://");
    for headers in ["content-length: 50", "transfer-encoding: chunked"] {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let body = if headers.starts_with('c') {
            "abc"
        } else {
            "3\r\nabc\r\n"
        };
        let sent = stream.write_all(&login(headers, body)).await;
        sent.expect("written");
        stream.shutdown().await.expect("closed");
        let mut said = String::new();
        let _ = stream.read_to_string(&mut said).await;
        let victim = victim(&gateway, &client, headers).await;

        assert!(!said.starts_with("HTTP/1.1 200"), "{said}");
        let whole = Seen::Request("/v1/auth/login".to_owned());
        let seen = wire.take();
        assert!(!seen.contains(&whole), "{seen:?}");
        assert!(seen.contains(&Seen::Request(victim)), "{seen:?}");
    }
}
