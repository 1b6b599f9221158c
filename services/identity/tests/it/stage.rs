//! A running service with a database of its own, and somebody who uses it.

use clap::Parser;
use identity::config::Config;
use mongodb::bson::Document;
use mongodb::{Client, Collection, Database};
use reqwest::Response;
use serde_json::{Value, json};
use test_kit::{KEYS_FILE, REFRESH_KEY_FILE, Running, SIGNING_KEY_FILE, key_file, scope};

pub const PASSWORD: &str = "correct horse battery staple";

/// So little work for a hash that tests do not wait for it.
const CHEAP: [&str; 4] = ["--argon2-memory-kib", "64", "--argon2-iterations", "1"];

pub struct Stage {
    pub service: Running,
    database: Database,
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
        let url = test_kit::database_url();
        let client = Client::with_uri_str(&url).await.expect("a client");

        Self {
            service: start(&url, settings).await.ready().await,
            database: client.default_database().expect("the URL names a database"),
        }
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

pub async fn start(database_url: &str, settings: &[&str]) -> Running {
    let file = |name| key_file(name).to_str().expect("a path in UTF-8").to_owned();
    let scope = scope();
    let own = [
        "identity",
        "--mongodb-url",
        database_url,
        "--redis-url",
        &test_kit::redis_url(),
        "--rabbitmq-url",
        &test_kit::rabbitmq_url(),
        "--events-namespace",
        &test_kit::events_namespace(),
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
    let config = Config::parse_from(own.iter().chain(settings));

    Running::start(|listeners, shutdown| identity::run(config, listeners, shutdown)).await
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
