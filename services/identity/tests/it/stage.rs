//! A running service with a database of its own, and somebody who uses it.

use std::collections::HashMap;
use std::time::Duration;

use clap::Parser;
use identity::config::Config;
use mongodb::bson::Document;
use mongodb::{Client, Collection, Database};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use test_kit::{KEYS_FILE, REFRESH_KEY_FILE, Running, SIGNING_KEY_FILE, key_file, scope};
use tokio::process::Command;

pub const PASSWORD: &str = "correct horse battery staple";

/// So little work for a hash that tests do not wait for it.
pub const CHEAP: [&str; 4] = ["--argon2-memory-kib", "64", "--argon2-iterations", "1"];

/// What has ended is refused everywhere after so long.
const ENDED_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

pub struct Stage {
    pub service: Running,
    pub stores: Stores,
    database: Database,
}

/// Where a service finds what it needs.
#[derive(Clone)]
pub struct Stores {
    pub mongodb: String,
    pub redis: String,
    pub rabbitmq: String,
    pub events_namespace: String,
}

impl Stores {
    /// The stores themselves, and names of the caller's own.
    pub fn new() -> Self {
        Self {
            mongodb: test_kit::database_url(),
            redis: test_kit::redis_url(),
            rabbitmq: test_kit::rabbitmq_url(),
            events_namespace: test_kit::events_namespace(),
        }
    }
}

/// What somebody who signed in was given.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub user_id: String,
    pub access_token: String,
    pub refresh_token: String,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(&CHEAP).await
    }

    pub async fn with(settings: &[&str]) -> Self {
        Self::at(Stores::new(), settings).await
    }

    pub async fn at(stores: Stores, settings: &[&str]) -> Self {
        let service = start(&stores, settings).await;

        Self::of(service, stores).await
    }

    /// Another process beside this test.
    pub async fn program(stores: Stores) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_identity"));
        program.env_clear().args(&arguments(&stores, &CHEAP)[1..]);
        program.args(["--listen-address", "127.0.0.1:0"]);
        program.args(["--admin-address", "127.0.0.1:0"]);

        Self::of(Running::program(program).await, stores).await
    }

    async fn of(service: Running, stores: Stores) -> Self {
        let client = Client::with_uri_str(&stores.mongodb).await;
        let database = client.expect("a client").default_database();
        let mut service = service.ready().await;
        service.client = of_its_own_network();

        Self {
            service,
            stores,
            database: database.expect("the URL names a database"),
        }
    }

    /// Another replica beside this one, on the same stores.
    pub async fn beside(&self) -> Self {
        Self::at(self.stores.clone(), &CHEAP).await
    }

    /// Sends a request with an access token.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        access_token: &str,
        body: Option<Value>,
    ) -> Response {
        let request = self.service.client.request(method, self.service.at(path));
        let request = request.bearer_auth(access_token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };

        request.send().await.expect("an answer")
    }

    pub async fn get(&self, path: &str, access_token: &str) -> Response {
        self.send(Method::GET, path, access_token, None).await
    }

    pub async fn delete_account(&self, access_token: &str, password: &str) -> Response {
        let body = json!({ "password": password });

        self.send(Method::DELETE, "/v1/auth/me", access_token, Some(body))
            .await
    }

    pub async fn change_password(&self, access_token: &str, current: &str, new: &str) -> Response {
        let body = json!({ "currentPassword": current, "newPassword": new });

        self.send(Method::POST, "/v1/auth/password", access_token, Some(body))
            .await
    }

    /// Waits until an access token is refused because its session has ended.
    pub async fn refuses(&self, access_token: &str) {
        let deadline = tokio::time::Instant::now() + ENDED_WITHIN;
        loop {
            let response = self.get("/v1/auth/me", access_token).await;
            if response.status() == 401 {
                test_kit::assert_problem(response, 401, "session_ended").await;
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "an access token outlived its session by {ENDED_WITHIN:?}"
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// How often Argon2 ran for this purpose.
    pub async fn hashes(&self, purpose: &str) -> u64 {
        let url = format!("{}/metrics", self.service.admin_url);
        let metrics = self.service.client.get(url).send().await;
        let metrics = metrics.expect("an answer").text().await.expect("text");
        let name = format!("password_hashes_total{{purpose=\"{purpose}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));

        line.map_or(0, |count| count.parse().expect("a count"))
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.service.client.post(self.service.at(path)).json(body);

        request.send().await.expect("an answer")
    }

    pub async fn register(&self, name: &str, email: &str) -> Response {
        let account = json!({ "userName": name, "email": email, "password": PASSWORD });

        self.post("/v1/auth/register", &account).await
    }

    pub async fn login(&self, email: &str, password: &str) -> Response {
        let credentials = json!({ "email": email, "password": password });

        self.post("/v1/auth/login", &credentials).await
    }

    pub async fn refresh(&self, token: &str) -> Response {
        self.post("/v1/auth/refresh-token", &json!({ "refreshToken": token }))
            .await
    }

    pub async fn log_out(&self, token: &str) -> Response {
        self.post("/v1/auth/logout", &json!({ "refreshToken": token }))
            .await
    }

    /// Ada has an account and is signed in.
    pub async fn ada(&self) -> SignedIn {
        signed_in(self.register("ada", "ada@example.org").await, 201).await
    }

    pub fn users(&self) -> Collection<Document> {
        self.database.collection("users")
    }

    pub fn sessions(&self) -> Collection<Document> {
        self.database.collection("sessions")
    }

    /// The only session there is.
    pub async fn session(&self) -> Document {
        let found = self.sessions().find_one(Document::new()).await;

        found.expect("the database answers").expect("a session")
    }
}

/// A client that comes from a network no other test uses: tests share a Redis, which counts by where somebody comes from.
fn of_its_own_network() -> reqwest::Client {
    let id = test_kit::object_id();
    let address = format!("2001:db8:{}:{}::1", &id[..4], &id[4..8]);
    let headers = [("x-forwarded-for".to_owned(), address)];
    let headers = HashMap::from(headers);

    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .default_headers((&headers).try_into().expect("headers"))
        .build()
        .expect("a client without TLS can always be built")
}

pub async fn start(stores: &Stores, settings: &[&str]) -> Running {
    let config = Config::parse_from(arguments(stores, settings));

    Running::start(|listeners, shutdown| identity::run(config, listeners, shutdown)).await
}

/// The name of the program, and what it is told.
fn arguments(stores: &Stores, settings: &[&str]) -> Vec<String> {
    let file = |name| key_file(name).to_str().expect("a path in UTF-8").to_owned();
    let scope = scope();
    let own = [
        "--mongodb-url",
        &stores.mongodb,
        "--redis-url",
        &stores.redis,
        "--rabbitmq-url",
        &stores.rabbitmq,
        "--events-namespace",
        &stores.events_namespace,
        "--token-issuer",
        &scope.issuer,
        "--token-audience",
        &scope.audience,
        "--token-keys-file",
        &file(KEYS_FILE),
        "--token-signing-key-file",
        &file(SIGNING_KEY_FILE),
        "--refresh-key-file",
        &file(REFRESH_KEY_FILE),
    ];

    let own = own.chunks(2).filter(|own| !settings.contains(&own[0]));
    let all = own.flatten().chain(settings);

    std::iter::once(&"identity")
        .chain(all)
        .map(ToString::to_string)
        .collect()
}

/// What a registration or a login was answered with.
pub async fn signed_in(response: Response, status: u16) -> SignedIn {
    let body = json_of(response, status).await;
    assert_eq!(body["success"], true, "{body}");
    assert!(body["message"].is_string(), "{body}");

    SignedIn {
        user_id: text(&body, "userId"),
        access_token: text(&body, "accessToken"),
        refresh_token: text(&body, "refreshToken"),
    }
}

/// The new refresh token of a successful refresh.
pub async fn refreshed(response: Response) -> String {
    let body = json_of(response, 200).await;
    assert_eq!(body["success"], true, "{body}");
    text(&body, "accessToken");

    text(&body, "refreshToken")
}

pub async fn json_of(response: Response, status: u16) -> Value {
    let seen = response.status();
    let text = response.text().await.expect("a body");
    assert_eq!(seen, status, "{text}");

    serde_json::from_str(&text).expect("JSON")
}

pub fn text(body: &Value, field: &str) -> String {
    let value = body[field].as_str().filter(|text| !text.is_empty());

    value
        .unwrap_or_else(|| panic!("no {field} in {body}"))
        .to_owned()
}
