//! Whatever is sent to the gateway, the answer is a complete refusal and never a failure of ours.

use anyhow::{Context, Result};
use e2e::client::Session;
use e2e::{PublicApi, on_shared_platform};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";
const JSON: &str = "application/json";

/// An id of the right shape that nothing has.
const NOTHING: &str = "0123456789abcdef01234567";

/// What each endpoint that reads JSON is sent when all is well, by its path.
const BODIES: [(&str, &str); 6] = [
    (
        "/v1/auth/register",
        r#"{"userName":"eve","email":"eve@example.com","password":"correct horse battery staple"}"#,
    ),
    (
        "/v1/auth/login",
        r#"{"email":"eve@example.com","password":"correct horse battery staple"}"#,
    ),
    ("/v1/auth/refresh-token", r#"{"refreshToken":"t"}"#),
    ("/v1/auth/logout", r#"{"refreshToken":"t"}"#),
    ("/v1/posts", r#"{"content":"text","mediaIds":[]}"#),
    (
        "/v1/posts/create-post",
        r#"{"content":"text","mediaIds":[]}"#,
    ),
];

/// Requests without a body, and the status each is refused with.
const WITHOUT_BODY: [(&str, &str, u16); 17] = [
    ("GET", "/", 404),
    ("GET", "/v1", 404),
    ("GET", "/v1/nothing", 404),
    ("GET", "/v2/posts", 404),
    ("GET", "/metrics", 404),
    ("GET", "/healthz", 404),
    ("GET", "/v1/auth/register", 405),
    ("GET", "/v1/auth/login", 405),
    ("PUT", "/v1/posts", 405),
    ("DELETE", "/v1/media", 405),
    ("POST", "/v1/search/posts", 405),
    ("GET", "/v1/posts/no-id", 400),
    ("DELETE", "/v1/posts/no-id", 400),
    ("GET", "/v1/media/no-id", 400),
    ("GET", "/v1/posts/0123456789abcdef01234567", 404),
    ("DELETE", "/v1/posts/0123456789abcdef01234567", 404),
    ("GET", "/v1/media/0123456789abcdef01234567", 404),
];

/// Queries that mean nothing.
const QUERIES: [&str; 12] = [
    "/v1/posts?limit=0",
    "/v1/posts?limit=101",
    "/v1/posts?limit=many",
    "/v1/posts?limit=-1",
    "/v1/posts?page=0",
    "/v1/posts?page=first",
    "/v1/posts?cursor=nonsense",
    "/v1/posts?page=2&cursor=nonsense",
    "/v1/search/posts",
    "/v1/search/posts?query=",
    "/v1/search/posts?query=word&limit=51",
    "/v1/search/posts?query=word&limit=many",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn bad_bodies_are_refused() -> Result<()> {
    on_shared_platform("bad-bodies", async |platform| {
        let someone = Someone::at(platform.public_api()?, "bodies").await?;
        for (path, good) in BODIES {
            someone.refused(path, JSON, "", 400).await?;
            someone.refused(path, JSON, "{", 400).await?;
            someone.refused(path, JSON, "\u{0}\u{1}", 400).await?;
            someone
                .refused(path, JSON, &format!("{good} more"), 400)
                .await?;
            someone.refused(path, "text/plain", good, 415).await?;
            someone.refused(path, JSON, "[]", 422).await?;
            someone.refused(path, JSON, "null", 422).await?;
            someone.refused(path, JSON, "{}", 422).await?;
            let padded = format!("{good}{}", " ".repeat(70_000));
            someone.refused(path, JSON, &padded, 413).await?;
            for field in serde_json::from_str::<Value>(good)?
                .as_object()
                .context(good)?
                .keys()
            {
                let mut wrong: Value = serde_json::from_str(good)?;
                wrong[field] = json!({ "not": ["what", "is", "wanted"] });
                someone.refused(path, JSON, &wrong.to_string(), 422).await?;
            }
        }

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn values_out_of_bounds_are_refused() -> Result<()> {
    on_shared_platform("bad-values", async |platform| {
        let someone = Someone::at(platform.public_api()?, "values").await?;
        let account = |name: &str, email: &str, password: &str| {
            json!({ "userName": name, "email": email, "password": password })
        };
        let long = "x".repeat(200);
        for body in [
            account("ab", "a@example.com", PASSWORD),
            account(&"x".repeat(51), "a@example.com", PASSWORD),
            account("eve", "no address", PASSWORD),
            account("eve", &format!("{long}{long}@example.com"), PASSWORD),
            account("eve", "a@example.com", "short"),
            account("eve", "a@example.com", &long),
        ] {
            let path = "/v1/auth/register";
            someone.refused(path, JSON, &body.to_string(), 422).await?;
        }
        for body in [
            json!({ "content": "" }),
            json!({ "content": " \n\t" }),
            json!({ "content": "x".repeat(5001) }),
            json!({ "content": "text", "mediaIds": ["no-id"] }),
            json!({ "content": "text", "mediaIds": vec![NOTHING; 11] }),
        ] {
            let path = "/v1/posts";
            someone.refused(path, JSON, &body.to_string(), 422).await?;
        }
        for query in QUERIES {
            let answer = someone.ask(Method::GET, query).await?;
            answer.expect_problem(422).or_else(|_| answer.expect_problem(400))?;
        }

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn unknown_paths_methods_and_ids_are_refused() -> Result<()> {
    on_shared_platform("bad-paths", async |platform| {
        let someone = Someone::at(platform.public_api()?, "paths").await?;
        for (method, path, status) in WITHOUT_BODY {
            let answer = someone.ask(method.parse()?, path).await?;
            answer.expect_problem(status)?;
        }

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn what_needs_a_token_is_refused_without_one() -> Result<()> {
    on_shared_platform("no-token", async |platform| {
        let api = platform.public_api()?;
        for (method, path) in [
            ("GET", "/v1/posts"),
            ("GET", "/v1/posts/getall-posts"),
            ("POST", "/v1/posts"),
            ("POST", "/v1/posts/create-post"),
            ("GET", "/v1/posts/0123456789abcdef01234567"),
            ("DELETE", "/v1/posts/0123456789abcdef01234567"),
            ("POST", "/v1/media"),
            ("POST", "/v1/media/upload-media"),
            ("GET", "/v1/search/posts?query=word"),
            ("GET", "/v1/search/search-post?query=word"),
        ] {
            let answer = api.send(method.parse()?, path, |request| request).await?;
            answer.expect_problem(401)?;
            let claimed = api.send(method.parse()?, path, |request| {
                request.header("x-user-id", NOTHING)
            });
            claimed.await?.expect_problem(401)?;
        }

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn bad_uploads_are_refused() -> Result<()> {
    on_shared_platform("bad-uploads", async |platform| {
        let someone = Someone::at(platform.public_api()?, "uploads").await?;
        let too_large = vec![0; 6 * 1024 * 1024];
        for path in ["/v1/media", "/v1/media/upload-media"] {
            someone.refused(path, JSON, "{}", 415).await?;
            let boundary = "multipart/form-data; boundary=x";
            someone
                .refused(path, boundary, "no form at all", 400)
                .await?;
            let other_field = Form::new().text("other", "text");
            someone
                .upload(path, other_field)
                .await?
                .expect_problem(422)?;
            let empty = Form::new().part("file", Part::bytes(Vec::new()).file_name("a"));
            someone.upload(path, empty).await?.expect_problem(422)?;
            let text = Form::new().part("file", Part::bytes(b"text".to_vec()).file_name("a.png"));
            someone.upload(path, text).await?.expect_problem(415)?;
            let large = Form::new().part("file", Part::bytes(too_large.clone()).file_name("a"));
            someone.upload(path, large).await?.expect_problem(413)?;
        }

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_name_or_address_is_taken_in_any_case() -> Result<()> {
    on_shared_platform("taken", async |platform| {
        let api = platform.public_api()?;
        let name = format!("taken{}", jiff::Timestamp::now().as_millisecond());
        let email = format!("{name}@example.com");
        let (other_name, other_email) = (format!("{name}x"), format!("{name}x@example.com"));

        api.register(&name, &email, PASSWORD).await?.expect(201)?;
        for (name, email) in [
            (name.to_uppercase(), other_email),
            (other_name, email.to_uppercase()),
        ] {
            let answer = api.register(&name, &email, PASSWORD).await?;
            answer.expect_problem(409)?;
        }

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_stranger_learns_nothing_from_a_failed_login() -> Result<()> {
    on_shared_platform("failed-login", async |platform| {
        let someone = Someone::at(platform.public_api()?, "login").await?;
        let wrong_password = someone.api.login(&someone.email, "not the password");
        let wrong_password = wrong_password.await?.expect_problem(401)?;
        let unknown = someone.api.login("nobody@example.com", PASSWORD);
        let unknown = unknown.await?.expect_problem(401)?;

        anyhow::ensure!(
            (wrong_password.code, wrong_password.detail) == (unknown.code, unknown.detail),
            "a wrong password and an unknown address are refused differently"
        );

        Ok(())
    })
    .await
}

/// Somebody with an account who sends nonsense.
struct Someone {
    api: PublicApi,
    email: String,
    token: String,
}

impl Someone {
    async fn at(api: PublicApi, name: &str) -> Result<Self> {
        let name = format!("{name}{}", jiff::Timestamp::now().as_millisecond());
        let email = format!("{name}@example.com");
        let account = api.register(&name, &email, PASSWORD).await?.expect(201)?;
        let token = account.json::<Session>()?.tokens.access_token;

        Ok(Self { api, email, token })
    }

    /// Posts a body and expects to be refused.
    async fn refused(&self, path: &str, kind: &str, body: &str, status: u16) -> Result<()> {
        let answer = self
            .api
            .send(Method::POST, path, |request| {
                let request = request.bearer_auth(&self.token).header(CONTENT_TYPE, kind);
                request.body(body.to_owned())
            })
            .await?;
        let sent: String = body.chars().take(100).collect();
        answer
            .expect_problem(status)
            .with_context(|| format!("sent as {kind}: {sent}"))?;

        Ok(())
    }

    async fn ask(&self, method: Method, path: &str) -> Result<e2e::client::Answer> {
        self.api
            .send(method, path, |request| request.bearer_auth(&self.token))
            .await
    }

    async fn upload(&self, path: &str, form: Form) -> Result<e2e::client::Answer> {
        self.api
            .send(Method::POST, path, |request| {
                request.bearer_auth(&self.token).multipart(form)
            })
            .await
    }
}
