//! What cannot be used is refused in one shape, and never with a 5xx.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use test_kit::{Token, assert_problem, object_id};

use crate::stage::{Stage, send};

#[tokio::test]
async fn a_bad_body_is_refused() {
    let stage = Stage::new().await;
    let person = stage.person();
    let ids = |count: usize| (0..count).map(|n| format!("{n:024x}")).collect::<Vec<_>>();
    let twice = [ids(1), ids(1)].concat();
    let cases = [
        (json!({}), "invalid_field", "content"),
        (json!([]), "invalid_field", "content"),
        (json!({"content": 1}), "invalid_field", "content"),
        (json!({"content": null}), "invalid_field", "content"),
        (json!({"content": ["a"]}), "invalid_field", "content"),
        (json!({"content": ""}), "invalid_content", "content"),
        (
            json!({"content": " \n\u{3000}"}),
            "invalid_content",
            "content",
        ),
        (
            json!({"content": "é".repeat(5001)}),
            "invalid_content",
            "content",
        ),
        (
            json!({"content": "a", "mediaIds": "x"}),
            "invalid_field",
            "mediaIds",
        ),
        (
            json!({"content": "a", "mediaIds": [1]}),
            "invalid_field",
            "mediaIds[0]",
        ),
        (
            json!({"content": "a", "mediaIds": ["x"]}),
            "invalid_media_ids",
            "mediaIds",
        ),
        (
            json!({"content": "a", "mediaIds": [{"$gt": ""}]}),
            "invalid_field",
            "mediaIds[0]",
        ),
        (
            json!({"content": "a", "mediaIds": ids(11)}),
            "invalid_media_ids",
            "mediaIds",
        ),
        (
            json!({"content": "a", "mediaIds": twice}),
            "invalid_media_ids",
            "mediaIds",
        ),
    ];
    for path in ["/v1/posts", "/v1/posts/create-post"] {
        for (body, code, field) in &cases {
            let problem = assert_problem(person.post(path, body).await, 422, code).await;
            // What is missing altogether has no path; then the sentence names it.
            let named = problem["field"].as_str().or(problem["detail"].as_str());
            assert!(
                named.is_some_and(|named| named.contains(field) || body.is_array()),
                "{body}: {problem}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_malformed() {
    let stage = Stage::new().await;
    let person = stage.person();
    let bodies = ["", "{", "{\"content\":\"a\"", "\u{0}", "{'content':'a'}"];
    for body in bodies {
        let request = person
            .request(Method::POST, "/v1/posts")
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        assert_problem(send(request).await, 400, "malformed_json").await;
    }

    let form = person
        .request(Method::POST, "/v1/posts")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body("content=a");
    assert_problem(send(form).await, 415, "not_json").await;
    let large = json!({"content": "a".repeat(70_000)});
    assert_problem(person.post("/v1/posts", &large).await, 413, "too_large").await;
}

#[tokio::test]
async fn a_bad_query_is_refused() {
    let stage = Stage::new().await;
    let person = stage.person();
    let cases = [
        ("limit=0", "invalid_limit"),
        ("limit=101", "invalid_limit"),
        ("limit=ten", "invalid_limit"),
        ("limit=", "invalid_limit"),
        ("page=0", "invalid_page"),
        ("page=-1", "invalid_page"),
        ("page=99999999999999999999", "invalid_page"),
        ("page=1002", "invalid_page"),
        ("page=1&cursor=x", "invalid_page"),
        ("user=", "invalid_user"),
        ("user=me", "invalid_user"),
        ("cursor=", "invalid_cursor"),
        ("cursor=x", "invalid_cursor"),
        ("cursor=%00", "invalid_cursor"),
        ("limit=1&limit=2", "invalid_parameter"),
        ("user=a&user=b", "invalid_parameter"),
    ];
    for path in ["/v1/posts", "/v1/posts/getall-posts"] {
        for (query, code) in cases {
            let response = person.get(&format!("{path}?{query}")).await;
            assert_problem(response, 422, code).await;
        }
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_malformed_and_one_nobody_has_is_not_found() {
    let stage = Stage::new().await;
    let person = stage.person();
    for method in [Method::GET, Method::DELETE] {
        for id in [
            "1",
            "x".repeat(24).as_str(),
            "%ff",
            "..%2f",
            &"a".repeat(1000),
        ] {
            let path = format!("/v1/posts/{id}");
            let response = send(person.request(method.clone(), &path)).await;
            assert_problem(response, 400, "malformed_id").await;
        }
        let path = format!("/v1/posts/{}", object_id());
        let response = send(person.request(method.clone(), &path)).await;
        assert_problem(response, 404, "post_not_found").await;
    }
}

#[tokio::test]
async fn an_unknown_path_or_method_is_said_so() {
    let stage = Stage::new().await;
    let person = stage.person();
    let id = object_id();
    for path in [
        "/",
        "/v1",
        "/v1/posts/",
        "/v2/posts",
        &format!("/v1/posts/{id}/x"),
    ] {
        assert_problem(person.get(path).await, 404, "no_such_path").await;
    }
    let cases = [
        (Method::PUT, "/v1/posts".to_owned()),
        (Method::DELETE, "/v1/posts".to_owned()),
        (Method::POST, format!("/v1/posts/{id}")),
        (Method::PUT, format!("/v1/posts/{id}")),
        (Method::GET, "/v1/posts/create-post".to_owned()),
        (Method::POST, "/v1/posts/getall-posts".to_owned()),
    ];
    for (method, path) in cases {
        let response = send(person.request(method, &path)).await;
        assert_problem(response, 405, "method_not_allowed").await;
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_good_token() {
    let stage = Stage::new().await;
    let id = object_id();
    let routes = [
        (Method::GET, "/v1/posts".to_owned()),
        (Method::POST, "/v1/posts".to_owned()),
        (Method::GET, "/v1/posts/getall-posts".to_owned()),
        (Method::POST, "/v1/posts/create-post".to_owned()),
        (Method::GET, format!("/v1/posts/{id}")),
        (Method::PATCH, format!("/v1/posts/{id}")),
        (Method::DELETE, format!("/v1/posts/{id}")),
    ];
    for (method, path) in routes {
        let request = || stage.request(method.clone(), &path);
        assert_problem(send(request()).await, 401, "token_missing").await;
        let user_header = request().header("x-user-id", &id);
        assert_problem(send(user_header).await, 401, "token_missing").await;
        for bad in Token::BAD {
            let code = if bad == Token::Expired {
                "token_expired"
            } else {
                "token_invalid"
            };
            let response = send(request().bearer_auth(bad.of(&id))).await;
            assert_problem(response, 401, code).await;
        }
    }
}
