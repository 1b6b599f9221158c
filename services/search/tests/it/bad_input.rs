//! What cannot be used is refused in one shape, and never with a 5xx.

use reqwest::Method;
use test_kit::{Token, assert_problem, object_id};

use crate::stage::{Stage, send};

const PATHS: [&str; 2] = ["/v1/search/posts", "/v1/search/search-post"];

#[tokio::test]
async fn a_bad_query_is_refused() {
    let stage = Stage::new().await;
    let long = "é".repeat(201);
    let cases: [(&[(&str, &str)], &str); 10] = [
        (&[], "invalid_query"),
        (&[("query", "")], "invalid_query"),
        (&[("query", " \n\u{3000}")], "invalid_query"),
        (&[("query", &long)], "invalid_query"),
        (&[("query", "a"), ("limit", "0")], "invalid_limit"),
        (&[("query", "a"), ("limit", "51")], "invalid_limit"),
        (&[("query", "a"), ("limit", "-1")], "invalid_limit"),
        (&[("query", "a"), ("limit", "ten")], "invalid_limit"),
        (&[("query", "a"), ("limit", "")], "invalid_limit"),
        (&[("query", "a"), ("query", "b")], "invalid_parameter"),
    ];
    for path in PATHS {
        for (query, code) in cases {
            let response = stage.get(path, query).await;
            let problem = assert_problem(response, 422, code).await;
            if let Some(field) = code.strip_prefix("invalid_").filter(|f| *f != "parameter") {
                assert_eq!(problem["field"], field, "{query:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_query_of_anything_is_answered() {
    let stage = Stage::new().await;
    for query in [
        "{\"$gt\":\"\"}",
        "$where",
        "\\\"",
        "%00",
        "\u{202e}a",
        "'; --",
        "a\u{0}b",
    ] {
        let response = stage.get(PATHS[0], &[("query", query)]).await;
        assert_eq!(response.status(), 200, "{query:?}");
    }
    let broken = stage
        .request(Method::GET, "/v1/search/posts?query=%ff")
        .bearer_auth(Token::Valid.of(&object_id()));
    let status = send(broken).await.status().as_u16();
    assert!(status == 200 || status == 422, "{status}");
}

#[tokio::test]
async fn operators_in_the_url_are_names_and_words() {
    let stage = Stage::new().await;
    stage.publish_all("sea", &["the sea"]).await;
    // As a parser of nested queries would read them, the first of these find everything.
    for query in [
        "query[$ne]=sea",
        "query[$gt]=",
        "query[$regex]=.*",
        "query[]=sea",
        "$where=1",
    ] {
        let path = format!("/v1/search/posts?{query}");
        let request = stage
            .request(Method::GET, &path)
            .bearer_auth(Token::Valid.of(&object_id()));
        assert_problem(send(request).await, 422, "invalid_query").await;
    }
    for query in ["{\"$ne\":null}", "[$ne]", "{$where: \"1\"}", ".*", "^s"] {
        assert!(stage.texts(query).await.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn a_long_query_is_refused_whatever_is_in_it() {
    let stage = Stage::new().await;
    for letter in ["a", "é", "𝕏", "\"", "a ", "\u{301}"] {
        let query = letter.repeat(5_000);
        let response = stage.get(PATHS[0], &[("query", &query)]).await;
        let status = response.status().as_u16();
        // The longest do not fit into a request's head.
        assert!(status == 422 || status == 431, "{status} for {letter:?}");
    }
    for letter in ["é", "𝕏", "\"", "\u{301}", "\u{200d}"] {
        let query = letter.repeat(200);
        let response = stage.get(PATHS[0], &[("query", &query)]).await;
        assert_eq!(response.status(), 200, "{letter:?}");
    }
}

#[tokio::test]
async fn an_unknown_path_or_method_is_said_so() {
    let stage = Stage::new().await;
    for path in ["/", "/v1/search", "/v1/search/posts/", "/v1/posts"] {
        assert_problem(stage.get(path, &[]).await, 404, "no_such_path").await;
    }
    for path in PATHS {
        for method in [Method::POST, Method::DELETE] {
            let response = send(stage.request(method, path)).await;
            assert_problem(response, 405, "method_not_allowed").await;
        }
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_good_token() {
    let stage = Stage::new().await;
    for path in PATHS {
        let request = || stage.request(Method::GET, path).query(&[("query", "sea")]);
        assert_problem(send(request()).await, 401, "token_missing").await;
        for bad in Token::BAD {
            let code = if bad == Token::Expired {
                "token_expired"
            } else {
                "token_invalid"
            };
            let response = send(request().bearer_auth(bad.of(&object_id()))).await;
            assert_problem(response, 401, code).await;
        }
    }
}
