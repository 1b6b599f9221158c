//! Which path is whose, and who may ask.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use test_kit::{Token, assert_problem, object_id};

use crate::stage::{Service, gateway, request};

const OPEN: [(&str, &str, &str); 6] = [
    ("POST", "/v1/auth/register", "identity"),
    ("POST", "/v1/auth/login", "identity"),
    ("POST", "/v1/auth/refresh-token", "identity"),
    ("POST", "/v1/auth/logout", "identity"),
    ("GET", "/.well-known/jwks.json", "identity"),
    ("GET", "/v1/media/0123456789abcdef01234567", "media"),
];

const PROTECTED: [(&str, &str, &str); 16] = [
    ("GET", "/v1/auth/me", "identity"),
    ("DELETE", "/v1/auth/me", "identity"),
    ("POST", "/v1/auth/password", "identity"),
    ("GET", "/v1/auth/sessions", "identity"),
    (
        "DELETE",
        "/v1/auth/sessions/0123456789abcdef01234567",
        "identity",
    ),
    ("POST", "/v1/posts", "post"),
    ("POST", "/v1/posts/create-post", "post"),
    ("GET", "/v1/posts?limit=2&user=a%20b", "post"),
    ("GET", "/v1/posts/getall-posts?page=2", "post"),
    ("GET", "/v1/posts/0123456789abcdef01234567", "post"),
    ("PATCH", "/v1/posts/0123456789abcdef01234567", "post"),
    ("DELETE", "/v1/posts/0123456789abcdef01234567", "post"),
    ("POST", "/v1/media", "media"),
    ("POST", "/v1/media/upload-media", "media"),
    ("GET", "/v1/search/posts?query=x", "search"),
    ("GET", "/v1/search/search-post?query=%F0%9F%90%98", "search"),
];

async fn four() -> [Service; 4] {
    [
        Service::saying("identity").await,
        Service::saying("post").await,
        Service::saying("media").await,
        Service::saying("search").await,
    ]
}

fn urls(services: &[Service; 4]) -> [&str; 4] {
    services.each_ref().map(|service| service.url.as_str())
}

#[tokio::test]
async fn every_path_is_answered_by_its_service_as_it_was_written() {
    let services = four().await;
    let gateway = gateway(urls(&services), &[]).await;
    for (method, path, name) in OPEN.iter().chain(&PROTECTED) {
        let method: Method = method.parse().expect("a method");
        let response = request(&gateway, method.clone(), path).send().await;
        let response = response.expect("an answer");
        assert_eq!(response.status(), 200, "{method} {path}");
        assert_eq!(
            response.text().await.expect("text"),
            *name,
            "{method} {path}"
        );

        let asked: Vec<_> = services.iter().flat_map(Service::take).collect();
        let asked: Vec<_> = asked
            .iter()
            .map(|asked| (&asked.method, asked.path.as_str()))
            .collect();
        assert_eq!(asked, [(&method, *path)]);
    }
}

#[tokio::test]
async fn what_anyone_may_ask_needs_no_token() {
    let services = four().await;
    let gateway = gateway(urls(&services), &[]).await;
    for (method, path, _) in OPEN {
        let method = method.parse().expect("a method");
        let response = gateway
            .client
            .request(method, gateway.at(path))
            .send()
            .await;
        assert_eq!(response.expect("an answer").status(), 200, "{path}");
    }
}

#[tokio::test]
async fn without_a_valid_token_no_service_is_asked() {
    let services = four().await;
    let gateway = gateway(urls(&services), &[]).await;
    let user = object_id();
    let valid = Token::Valid.of(&user);
    let mut headers = vec![
        (None, "token_missing"),
        (Some(String::new()), "token_missing"),
        (Some("Basic YTpi".to_owned()), "token_missing"),
        (Some(valid.clone()), "token_missing"),
        (Some("Bearer ".to_owned()), "token_missing"),
        (Some("Bearer garbage".to_owned()), "token_invalid"),
        (
            Some(format!("Bearer {}", unsigned(&valid))),
            "token_invalid",
        ),
        (Some(format!("Bearer {}", cut(&valid))), "token_invalid"),
        (
            Some(format!("Bearer {}", "x".repeat(10_000))),
            "token_invalid",
        ),
    ];
    for bad in Token::BAD {
        let code = if bad == Token::Expired {
            "token_expired"
        } else {
            "token_invalid"
        };
        headers.push((Some(format!("Bearer {}", bad.of(&user))), code));
    }

    for (method, path, _) in PROTECTED {
        for (header, code) in &headers {
            let method = method.parse().expect("a method");
            let mut request = gateway.client.request(method, gateway.at(path));
            if let Some(header) = header {
                request = request.header(AUTHORIZATION, header);
            }
            let response = request.header("x-user-id", &user).send().await;
            let response = response.expect("an answer");
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            assert_problem(response, 401, code).await;
        }
    }
    let asked: usize = services.iter().map(|service| service.take().len()).sum();
    assert_eq!(asked, 0);
}

#[tokio::test]
async fn two_tokens_are_none() {
    let services = four().await;
    let gateway = gateway(urls(&services), &[]).await;
    let second = format!("Bearer {}", Token::Valid.of(&object_id()));
    let request = request(&gateway, Method::GET, "/v1/posts").header(AUTHORIZATION, second);

    assert_problem(
        request.send().await.expect("an answer"),
        401,
        "token_missing",
    )
    .await;
}

/// The token's claims under a header that says nothing need be signed.
fn unsigned(token: &str) -> String {
    let claims = token.split('.').nth(1).expect("a token has three parts");

    format!(
        "{}.{claims}.",
        BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#)
    )
}

/// The token without its signature.
fn cut(token: &str) -> &str {
    &token[..=token.rfind('.').expect("a token has three parts")]
}
