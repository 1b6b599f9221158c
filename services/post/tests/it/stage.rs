//! A running post service with stores of its own, people with tokens, and an ear for its events.

use std::time::Duration;

use bus::{Broker, Consumer, Message, Publisher, Queue};
use clap::Parser;
use events::{Envelope, Event, Origin};
use jiff::Timestamp;
use mongodb::Database;
use post::config::Config;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use test_kit::{CURSOR_KEY_FILE, KEYS_FILE, Running, Token, key_file, object_id, scope};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Stage {
    pub service: Running,
    pub config: Config,
}

/// Where the service finds its stores.
pub struct Stores {
    pub mongodb: String,
    pub redis: String,
    pub rabbitmq: String,
}

/// Somebody with a valid token.
pub struct Person {
    pub id: String,
    token: String,
    client: Client,
    url: String,
}

/// Hears every event of posts. It stops when this is dropped.
pub struct Ear {
    heard: mpsc::UnboundedReceiver<Message>,
    stop: CancellationToken,
}

impl Stores {
    /// The stores themselves, and a database of the caller's own.
    pub fn new() -> Self {
        Self {
            mongodb: test_kit::database_url(),
            redis: test_kit::redis_url(),
            rabbitmq: test_kit::rabbitmq_url(),
        }
    }
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(Stores::new()).await
    }

    pub async fn with(stores: Stores) -> Self {
        Self::starting(config(&stores)).await.ready().await
    }

    /// Does not wait until the service is ready.
    pub async fn starting(config: Config) -> Self {
        let settings = config.clone();
        let service = Running::start(|listeners, stop| post::run(settings, listeners, stop)).await;

        Self { service, config }
    }

    pub async fn ready(self) -> Self {
        Self {
            service: self.service.ready().await,
            config: self.config,
        }
    }

    /// Another process with the same settings.
    pub async fn replica(&self) -> Self {
        Self::starting(self.config.clone()).await.ready().await
    }

    /// The service's database, for what no client can do.
    pub async fn database(&self) -> Database {
        database::connect(&self.config.database, "test")
            .await
            .expect("a connection string")
    }

    pub fn person(&self) -> Person {
        let id = object_id();
        Person {
            token: Token::Valid.of(&id),
            id,
            client: self.service.client.clone(),
            url: self.service.url.clone(),
        }
    }

    /// What `/readyz` says of one part: nothing while that is well.
    pub async fn unready(&self, part: &str) -> Option<String> {
        let url = format!("{}/readyz", self.service.admin_url);
        let response = send(self.service.client.get(url)).await;
        let body: Value = response.json().await.expect("JSON");
        let checks = body["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["name"] == part);

        check.expect("the part is checked")["reason"]
            .as_str()
            .map(str::to_owned)
    }

    /// A request without a token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.service.client.request(method, self.service.at(path))
    }

    /// Announces an event of another service.
    pub async fn publish<E: Event>(&self, event: E) {
        let broker = Broker::new(&self.config.bus, "test").expect("a connection string");
        let envelope = Envelope::new(event, Timestamp::now(), Origin::default());
        let publisher = Publisher::start(&broker);
        publisher.publish(&envelope).await.expect("confirmed");
    }

    /// Events published from before the ear was there are heard too.
    pub fn listen(&self) -> Ear {
        let mut bus = self.config.bus.clone();
        bus.rabbitmq_url = test_kit::rabbitmq_url().into();
        let broker = Broker::new(&bus, "test").expect("a connection string");
        let (sender, heard) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let hear = move |message| {
            let sender = sender.clone();
            async move { Ok(sender.send(message)?) }
        };
        tokio::spawn(Consumer::new(&broker, Queue::SearchPosts).run(hear, stop.clone()));

        Ear { heard, stop }
    }
}

impl Person {
    /// The same person, a client of another replica.
    pub fn at(&self, other: &Stage) -> Self {
        Self {
            id: self.id.clone(),
            token: self.token.clone(),
            client: self.client.clone(),
            url: other.service.url.clone(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Response {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Response {
        send(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Response {
        send(self.request(Method::DELETE, path)).await
    }

    /// Writes a post and returns it.
    pub async fn write(&self, content: &str) -> Value {
        let response = self.post("/v1/posts", &json!({"content": content})).await;
        assert_eq!(response.status(), 201);
        let mut created: Value = response.json().await.expect("JSON");

        created["newPost"].take()
    }

    /// The answer's body, whose status is 200.
    pub async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");

        response.json().await.expect("JSON")
    }
}

impl Ear {
    pub async fn next(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, self.heard.recv())
            .await
            .expect("an event is published")
            .expect("the ear is open")
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn config(stores: &Stores) -> Config {
    let path = |name| key_file(name).to_str().expect("a plain path").to_owned();
    let scope = scope();

    Config::parse_from([
        "post",
        "--token-keys-file",
        &path(KEYS_FILE),
        "--token-issuer",
        &scope.issuer,
        "--token-audience",
        &scope.audience,
        "--mongodb-url",
        &stores.mongodb,
        "--redis-url",
        &stores.redis,
        "--rabbitmq-url",
        &stores.rabbitmq,
        "--events-namespace",
        &test_kit::events_namespace(),
        "--cursor-key-file",
        &path(CURSOR_KEY_FILE),
    ])
}

/// The path of a post.
pub fn path(post: &Value) -> String {
    format!("/v1/posts/{}", id(post))
}

pub fn id(post: &Value) -> &str {
    post["_id"].as_str().expect("an id")
}

pub async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}
