//! Whatever is sent, the answer is a complete refusal and never a failure of ours.

use mongodb::bson::doc;
use reqwest::Method;
use serde_json::{Value, json};
use test_kit::{assert_problem, object_id};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{PASSWORD, Stage};

/// What each path is sent when all is well.
fn good() -> [(&'static str, Value); 4] {
    let account = json!({ "userName": "ada", "email": "ada@example.org", "password": PASSWORD });
    let credentials = json!({ "email": "ada@example.org", "password": PASSWORD });
    let token = json!({ "refreshToken": "x" });

    [
        ("/v1/auth/register", account),
        ("/v1/auth/login", credentials),
        ("/v1/auth/refresh-token", token.clone()),
        ("/v1/auth/logout", token),
    ]
}

async fn refused(stage: &Stage, path: &str, kind: &str, body: Vec<u8>, status: u16, code: &str) {
    let request = stage.service.client.post(stage.service.at(path));
    let request = request.header("content-type", kind).body(body);

    assert_problem(request.send().await.expect("an answer"), status, code).await;
}

#[tokio::test]
async fn what_is_no_json_object_of_the_right_fields_is_refused() {
    let stage = Stage::new().await;
    let json = "application/json";
    for (path, good) in good() {
        for broken in ["", "{", "\0\u{1}", "{\"a\":}", &format!("{good} more")] {
            refused(&stage, path, json, broken.into(), 400, "malformed_json").await;
        }
        refused(
            &stage,
            path,
            json,
            vec![0xff, 0xfe, 0x22],
            400,
            "malformed_json",
        )
        .await;
        for other in ["[]", "null", "1", "\"text\"", "{}"] {
            refused(&stage, path, json, other.into(), 422, "invalid_field").await;
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded"] {
            refused(&stage, path, kind, good.to_string().into(), 415, "not_json").await;
        }
        let padded = format!("{good}{}", " ".repeat(64 * 1024));
        refused(&stage, path, json, padded.into(), 413, "too_large").await;
    }
}

#[tokio::test]
async fn a_field_that_is_missing_or_of_another_type_is_refused() {
    let stage = Stage::new().await;
    for (path, good) in good() {
        for field in good.as_object().expect("an object").keys() {
            let mut without = good.clone();
            without.as_object_mut().expect("an object").remove(field);
            assert_problem(stage.post(path, &without).await, 422, "invalid_field").await;

            for wrong in [
                json!(null),
                json!(12_345_678),
                json!({ "$ne": null }),
                json!(["x"]),
            ] {
                let mut body = good.clone();
                body[field] = wrong;
                let problem = assert_problem(stage.post(path, &body).await, 422, "invalid_field");
                assert_eq!(problem.await["field"], field.as_str(), "{path} {body}");
            }
        }
    }
}

#[tokio::test]
async fn deep_nesting_and_a_field_that_comes_twice_are_refused() {
    let stage = Stage::new().await;
    let ada = stage.ada().await;
    let before = stage.users().find_one(doc! {}).await;
    let before = before.expect("the database answers");
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another long enough" });
    let of_ada = [
        (Method::POST, "/v1/auth/password", change),
        (
            Method::DELETE,
            "/v1/auth/me",
            json!({ "password": PASSWORD }),
        ),
    ];
    let of_anybody = good().map(|(path, body)| (Method::POST, path, body));
    for (method, path, good) in of_anybody.into_iter().chain(of_ada) {
        let send = async |body: String| {
            let request = stage
                .service
                .client
                .request(method.clone(), stage.service.at(path));
            let request = request.bearer_auth(&ada.access_token);
            let request = request
                .header("content-type", "application/json")
                .body(body);
            request.send().await.expect("an answer")
        };
        let good = good.to_string();
        let field = good.split(':').next().expect("a field");
        for open in ["[", "{\"a\":", &format!("{field}:"), &format!("{field}:[")] {
            let status = send(open.repeat(60_000 / open.len()))
                .await
                .status()
                .as_u16();
            assert!([400, 422].contains(&status), "{path}, {open}: {status}");
        }
        let twice = format!("{field}:\"x\",{}", &good[1..]);
        assert_problem(send(twice).await, 422, "invalid_field").await;
    }

    let after = stage.users().find_one(doc! {}).await;
    assert_eq!(after.expect("the database answers"), before);
    assert_eq!(stage.refresh(&ada.refresh_token).await.status(), 200);
}

#[tokio::test]
async fn a_number_given_as_password_is_not_repeated() {
    let stage = Stage::new().await;
    let body = json!({ "email": "ada@example.org", "password": 12_345_678 });
    let problem = assert_problem(
        stage.post("/v1/auth/login", &body).await,
        422,
        "invalid_field",
    );

    assert!(!problem.await.to_string().contains("12345678"));
}

#[tokio::test]
async fn a_value_out_of_bounds_is_refused_with_its_field() {
    let stage = Stage::new().await;
    let long = "x".repeat(20_000);
    for (field, code, values) in [
        (
            "userName",
            "invalid_user_name",
            vec![
                "",
                "ab",
                "  ab  ",
                "a\0da",
                "a\u{202e}da",
                &long,
                &long[..51],
            ],
        ),
        (
            "email",
            "invalid_email",
            vec!["", "ada", "@", "a@", "@b", "a b@c", "a@b@c", "a\0@b", &long],
        ),
        (
            "password",
            "invalid_password",
            vec!["", "1234567", &long, &long[..129]],
        ),
    ] {
        for value in values {
            let [(path, mut body), ..] = good();
            body[field] = json!(value);
            let problem = assert_problem(stage.post(path, &body).await, 422, code).await;
            assert_eq!(problem["field"], field);
        }
    }
    let nobody = stage.users().estimated_document_count().await;
    assert_eq!(nobody.expect("the database answers"), 0);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let stage = Stage::new().await;
    let send = async |method: Method, path: &str| {
        let request = stage.service.client.request(method, stage.service.at(path));
        request.send().await.expect("an answer")
    };
    for path in [
        "/",
        "/v1/auth",
        "/v1/auth/register/",
        &format!("/v1/users/{}", object_id()),
        "/metrics",
    ] {
        assert_problem(send(Method::GET, path).await, 404, "no_such_path").await;
    }
    for (path, _) in good() {
        for method in [
            Method::GET,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::OPTIONS,
        ] {
            let response = send(method, path).await;
            assert_eq!(response.headers()["allow"], "POST");
            assert_problem(response, 405, "method_not_allowed").await;
        }
    }
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_waited_for() {
    let stage = Stage::new().await;
    let address = stage.service.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 1000000000\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.expect("written");

    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 413");
}
