//! A client of the public API: one small method per endpoint, and answers that can be looked at whatever they are.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::header::{ETAG, HeaderMap, IF_NONE_MATCH, RANGE};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than the gateway's own limit, so that what is seen is its answer.
const TIMEOUT: Duration = Duration::from_secs(70);

/// How paths are spelled. Both are answered alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `/v1/posts`
    Current,
    /// `/v1/posts/create-post`, as clients of the Node.js platform know it.
    Node,
}

/// The public API of one platform.
#[derive(Clone)]
pub struct PublicApi {
    url: Url,
    http: Client,
    spelling: Spelling,
}

/// An answer, whatever it is.
#[derive(Debug, Clone)]
pub struct Answer {
    pub method: Method,
    pub path: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A person who is logged in.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub user_id: String,
    #[serde(flatten)]
    pub tokens: Tokens,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    pub media_id: String,
    /// Where the file is.
    pub url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewPost {
    pub new_post: Post,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    #[serde(rename = "_id")]
    pub id: String,
    pub user: String,
    pub content: String,
    pub media_ids: Vec<String>,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    pub posts: Vec<Post>,
    pub total_posts: u64,
    /// Leads to the next page; nothing on the last one.
    pub next_cursor: Option<String>,
}

/// A post as search knows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    pub post_id: String,
    pub user_id: String,
    pub content: String,
}

/// A refusal: what programs and people are told.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    pub status: u16,
    pub code: String,
    pub detail: String,
    pub message: String,
    pub success: bool,
    pub request_id: String,
}

impl PublicApi {
    pub fn at(url: &str) -> Result<Self> {
        let http = Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()?;

        Ok(Self {
            url: url.parse().with_context(|| format!("{url} is not a URL"))?,
            http,
            spelling: Spelling::Current,
        })
    }

    /// Where the API is, without a slash at the end.
    pub fn url(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    #[must_use]
    pub fn spelled(mut self, spelling: Spelling) -> Self {
        self.spelling = spelling;
        self
    }

    pub async fn register(&self, name: &str, email: &str, password: &str) -> Result<Answer> {
        let account = json!({ "userName": name, "email": email, "password": password });

        self.post_json("/v1/auth/register", &account).await
    }

    pub async fn login(&self, email: &str, password: &str) -> Result<Answer> {
        let account = json!({ "email": email, "password": password });

        self.post_json("/v1/auth/login", &account).await
    }

    pub async fn refresh(&self, refresh_token: &str) -> Result<Answer> {
        let token = json!({ "refreshToken": refresh_token });

        self.post_json("/v1/auth/refresh-token", &token).await
    }

    pub async fn log_out(&self, refresh_token: &str) -> Result<Answer> {
        let token = json!({ "refreshToken": refresh_token });

        self.post_json("/v1/auth/logout", &token).await
    }

    pub async fn upload(&self, token: &str, file_name: &str, bytes: &[u8]) -> Result<Answer> {
        let path = self.spelled_as("/v1/media", "/v1/media/upload-media");
        let part = Part::bytes(bytes.to_vec()).file_name(file_name.to_owned());
        let form = Form::new().part("file", part);

        self.send(Method::POST, path, |request| {
            request.bearer_auth(token).multipart(form)
        })
        .await
    }

    /// A file by the address its upload was answered with. No token is sent, as an `<img>` sends none.
    pub async fn file(&self, url: &str) -> Result<Answer> {
        self.send(Method::GET, url, |request| request).await
    }

    pub async fn part_of_file(&self, url: &str, range: &str) -> Result<Answer> {
        self.send(Method::GET, url, |request| request.header(RANGE, range))
            .await
    }

    pub async fn file_unless(&self, url: &str, tag: &str) -> Result<Answer> {
        self.send(Method::GET, url, |request| {
            request.header(IF_NONE_MATCH, tag)
        })
        .await
    }

    pub async fn create_post(
        &self,
        token: &str,
        content: &str,
        media_ids: &[&str],
    ) -> Result<Answer> {
        let path = self.spelled_as("/v1/posts", "/v1/posts/create-post");
        let post = json!({ "content": content, "mediaIds": media_ids });

        self.send(Method::POST, path, |request| {
            request.bearer_auth(token).json(&post)
        })
        .await
    }

    pub async fn posts(&self, token: &str) -> Result<Answer> {
        self.posts_as(Some(token)).await
    }

    /// The newest posts, asked for without a token or with any text in its place.
    pub async fn posts_as(&self, token: Option<&str>) -> Result<Answer> {
        let path = self.spelled_as("/v1/posts", "/v1/posts/getall-posts");

        self.get(path, token).await
    }

    /// As many posts of a user as a page can have, newest first: the first page, or the one `cursor` leads to.
    pub async fn posts_of(&self, token: &str, user: &str, cursor: Option<&str>) -> Result<Answer> {
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}"));
        let cursor = cursor.unwrap_or_default();

        self.get(
            &format!("/v1/posts?user={user}&limit=100{cursor}"),
            Some(token),
        )
        .await
    }

    pub async fn post(&self, token: &str, id: &str) -> Result<Answer> {
        self.get(&format!("/v1/posts/{id}"), Some(token)).await
    }

    /// Gives a post another text; its files stay.
    pub async fn edit_post(&self, token: &str, id: &str, content: &str) -> Result<Answer> {
        let path = format!("/v1/posts/{id}");
        let edit = json!({ "content": content });

        self.send(Method::PATCH, &path, |request| {
            request.bearer_auth(token).json(&edit)
        })
        .await
    }

    pub async fn delete_post(&self, token: &str, id: &str) -> Result<Answer> {
        let path = format!("/v1/posts/{id}");

        self.send(Method::DELETE, &path, |request| request.bearer_auth(token))
            .await
    }

    /// `word` has to be one word of letters and digits.
    pub async fn search(&self, token: &str, word: &str) -> Result<Answer> {
        let path = self.spelled_as("/v1/search/posts", "/v1/search/search-post");

        self.get(&format!("{path}?query={word}"), Some(token)).await
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Result<Answer> {
        self.send(Method::GET, path, |request| match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }

    async fn post_json(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::POST, path, |request| request.json(body))
            .await
    }

    /// Any request at all. `path` may be a whole URL.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        complete: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer> {
        let url = self.url.join(path)?;
        let failed = || format!("{method} {url} got no answer");
        let request = self.http.request(method.clone(), url.clone());
        let response = complete(request).send().await.with_context(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.with_context(failed)?.to_vec();

        Ok(Answer {
            method,
            path: match url.query() {
                Some(query) => format!("{}?{query}", url.path()),
                None => url.path().to_owned(),
            },
            status,
            headers,
            body,
        })
    }

    fn spelled_as<'a>(&self, current: &'a str, node: &'a str) -> &'a str {
        match self.spelling {
            Spelling::Current => current,
            Spelling::Node => node,
        }
    }
}

impl Answer {
    /// The answer, if it has this status; otherwise a sentence with what came instead.
    pub fn expect(self, status: u16) -> Result<Self> {
        if self.status.as_u16() != status {
            bail!("{} instead of {status}: {}", self.seen(), self.text());
        }

        Ok(self)
    }

    /// Reads a refusal, and checks that it has this status and is complete.
    pub fn expect_problem(&self, status: u16) -> Result<Problem> {
        let problem: Problem = self.clone().expect(status)?.json()?;
        let kind = self.headers.get("content-type");
        let is_complete = problem.status == status
            && !problem.success
            && problem.message == problem.detail
            && !problem.code.is_empty()
            && !problem.request_id.is_empty()
            && kind.is_some_and(|kind| kind == "application/problem+json");
        if !is_complete {
            bail!(
                "{} with an incomplete problem: {}",
                self.seen(),
                self.text()
            );
        }

        Ok(problem)
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{} with something else: {}", self.seen(), self.text()))
    }

    pub fn tag(&self) -> Result<&str> {
        let tag = self.headers.get(ETAG);
        let tag = tag.with_context(|| format!("{} without an ETag", self.seen()))?;

        Ok(tag.to_str()?)
    }

    fn seen(&self) -> String {
        format!("{} {} answered {}", self.method, self.path, self.status)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body)
            .chars()
            .take(500)
            .collect()
    }
}
