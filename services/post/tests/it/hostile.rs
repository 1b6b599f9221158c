//! What somebody sends who means harm.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use test_kit::{Token, assert_problem, object_id};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Person, Stage, Stores, config, path, send};

async fn send_text(person: &Person, method: Method, path: &str, body: String) -> reqwest::Response {
    let request = person.request(method, path);
    send(request.header(CONTENT_TYPE, "application/json").body(body)).await
}

#[tokio::test]
async fn operators_of_the_database_are_text_or_refused() {
    let stage = Stage::new().await;
    let person = stage.person();
    let post = person.write("mine").await;
    let operators = [
        "$ne",
        "$gt",
        "$where",
        "$regex",
        "$set",
        "$expr",
        "$function",
    ];
    for operator in operators {
        let value = json!({operator: ""});
        for body in [json!({"content": value}), json!({"mediaIds": [value]})] {
            let response = person.post("/v1/posts", &body).await;
            assert_problem(response, 422, "invalid_field").await;
            let response = person.patch(&path(&post), &body).await;
            assert_problem(response, 422, "invalid_field").await;
        }
        // As text they are what somebody says.
        let text = format!("{{\"{operator}\": \"$$ROOT.content\"}}");
        assert_eq!(person.write(&text).await["content"], text);

        let cases = [
            (format!("user={operator}"), "invalid_user"),
            (format!("user={{\"{operator}\":1}}"), "invalid_user"),
            (format!("limit={operator}"), "invalid_limit"),
            (format!("page={operator}"), "invalid_page"),
            (format!("cursor={operator}"), "invalid_cursor"),
        ];
        for (query, code) in cases {
            let response = person.get(&format!("/v1/posts?{query}")).await;
            assert_problem(response, 422, code).await;
        }
        // Parameters of other names mean nothing, whatever they look like.
        let all = person.get_json("/v1/posts?limit=100").await;
        for name in ["user", "limit", "page", "cursor"] {
            let query = format!("/v1/posts?limit=100&{name}[{operator}]=1");
            assert_eq!(person.get_json(&query).await, all);
        }
    }
    assert_eq!(person.get_json(&path(&post)).await, post);
}

#[tokio::test]
async fn deep_nesting_and_huge_numbers_are_refused_or_ignored() {
    let stage = Stage::new().await;
    let person = stage.person();
    let post = person.write("mine").await;
    let targets = [
        (Method::POST, "/v1/posts".to_owned()),
        (Method::PATCH, path(&post)),
    ];
    for (method, target) in targets {
        let send = |body| send_text(&person, method.clone(), &target, body);
        for open in ["[", "{\"content\":", "{\"mediaIds\":["] {
            let body = open.repeat(60_000 / open.len());
            let status = send(body).await.status().as_u16();
            assert!([400, 422].contains(&status), "{open}: {status}");
        }
        let digits = "9".repeat(50_000);
        for number in ["1e999", "-1e999", "18446744073709551616", "NaN", &digits] {
            for body in [
                format!("{{\"content\":{number}}}"),
                format!("{{\"mediaIds\":[{number}]}}"),
                format!("{{\"mediaIds\":{number}}}"),
            ] {
                let status = send(body).await.status().as_u16();
                assert!([400, 422].contains(&status), "{number:.20}: {status}");
            }
        }
    }
    assert_eq!(person.get_json(&path(&post)).await, post);

    // What nobody looks at is not looked into either.
    let (open, close) = ("[".repeat(20_000), "]".repeat(20_000));
    let body = format!("{{\"content\":\"a\",\"other\":{open}{close}}}");
    let response = send_text(&person, Method::POST, "/v1/posts", body).await;
    assert_eq!(response.status(), 201);
}

/// The first answer to a request whose body is announced to have this length, when this is sent of it and no more comes.
async fn first_answer(stage: &Stage, announced: u64, sent: &str) -> String {
    let address = stage.service.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let token = Token::Valid.of(&object_id());
    let request = format!(
        "POST /v1/posts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {announced}\r\n\r\n{sent}"
    );
    let written = stream.write_all(request.as_bytes()).await;
    written.expect("written");
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");

    String::from_utf8(answer).expect("ASCII")
}

#[tokio::test]
async fn a_body_of_another_length_than_it_says_writes_nothing() {
    let mut settings = config(&Stores::new());
    settings.server.request_timeout_seconds = 1;
    let stage = Stage::starting(settings).await.ready().await;
    let body = r#"{"content":"a"}"#;
    for (announced, expected) in [
        (1_000_000_000, "HTTP/1.1 413"),
        (5, "HTTP/1.1 400"),
        // The rest is waited for, and not for long.
        (50, "HTTP/1.1 503"),
    ] {
        assert_eq!(first_answer(&stage, announced, body).await, expected);
    }

    let list = stage.person().get_json("/v1/posts").await;
    assert_eq!(list["posts"], json!([]));
}

#[tokio::test]
async fn a_field_that_comes_twice_is_refused() {
    let stage = Stage::new().await;
    let person = stage.person();
    let body = r#"{"content":"a","content":"b"}"#.to_owned();
    let response = send_text(&person, Method::POST, "/v1/posts", body).await;

    assert_problem(response, 422, "invalid_field").await;
}

#[tokio::test]
async fn text_comes_back_as_it_was_sent() {
    let stage = Stage::new().await;
    let person = stage.person();
    let texts = [
        "<script>alert(1)</script>",
        "\u{0}\u{1}\u{7f} control",
        "\u{202e}backwards",
        "a\nb\r\nc",
        "\"; db.posts.drop(); //",
        "\u{fdfd}".repeat(5000).as_str(),
    ]
    .map(str::to_owned);
    for text in texts {
        let post = person.write(&text).await;
        assert_eq!(post["content"], text.trim());
        assert_eq!(person.get_json(&path(&post)).await["content"], text.trim());
        assert_eq!(person.get_json("/v1/posts").await["posts"][0], post);
    }
}
