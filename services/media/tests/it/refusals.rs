//! Everything else that is refused, each with its code.

use reqwest::Method;
use test_kit::{Token, assert_problem, object_id};

use crate::stage::{Stage, form, png};

#[tokio::test]
async fn only_allowed_types_are_kept_whatever_they_are_called() {
    let stage = Stage::new().await;
    let cases: [&[u8]; 5] = [
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0",
        b"x",
    ];
    for bytes in cases {
        let response = stage.send(form(bytes)).await;
        assert_problem(response, 415, "media_type_not_allowed").await;
    }
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn an_upload_needs_a_good_token() {
    let stage = Stage::new().await;
    let post = |token: Option<String>| {
        let request = stage.service.client.post(stage.service.at("/v1/media"));
        let request = request.multipart(form(&png(100)));
        match token {
            Some(token) => request.bearer_auth(token).send(),
            None => request.header("x-user-id", &stage.user).send(),
        }
    };

    let anonymous = post(None).await.expect("an answer");
    assert_problem(anonymous, 401, "token_missing").await;
    for token in Token::BAD {
        let response = post(Some(token.of(&stage.user))).await.expect("an answer");
        assert_eq!(response.status(), 401, "{token:?}");
    }
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn an_id_that_is_none_and_one_nobody_has_are_told_apart() {
    let stage = Stage::new().await;
    for id in ["1", "zzzzzzzzzzzzzzzzzzzzzzzz", "%ff", "..%2f..%2fetc"] {
        assert_problem(stage.fetch(id, &[]).await, 400, "malformed_id").await;
    }
    let unknown = stage.fetch(&object_id(), &[]).await;
    assert_problem(unknown, 404, "media_not_found").await;
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let stage = Stage::new().await;
    let id = object_id();
    let cases = [
        (Method::GET, "/v1/media".to_owned(), 405),
        (Method::PUT, "/v1/media".to_owned(), 405),
        (Method::GET, "/v1/media/upload-media".to_owned(), 405),
        (Method::DELETE, format!("/v1/media/{id}"), 405),
        (Method::GET, format!("/v1/media/{id}/more"), 404),
        (Method::GET, "/v1/mediae".to_owned(), 404),
    ];
    for (method, path, status) in cases {
        let request = stage
            .service
            .client
            .request(method, stage.service.at(&path));
        let response = request.send().await.expect("an answer");
        let code = if status == 405 {
            "method_not_allowed"
        } else {
            "no_such_path"
        };
        assert_problem(response, status, code).await;
    }
}

#[tokio::test]
async fn a_host_that_cannot_be_echoed_is_refused() {
    let stage = Stage::new().await;
    let response = stage
        .service
        .client
        .post(stage.service.at("/v1/media"))
        .bearer_auth(Token::Valid.of(&stage.user))
        .header("x-forwarded-host", "evil.example/<script>")
        .multipart(form(&png(100)))
        .send()
        .await
        .expect("an answer");

    assert_problem(response, 400, "malformed_host").await;
    stage.assert_nothing_stays().await;
}
