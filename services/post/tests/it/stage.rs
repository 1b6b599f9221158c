//! A running post service with stores of its own, people with tokens, and an ear for its events.

use std::time::Duration;

use bus::{Broker, Consumer, Message, Queue};
use clap::Parser;
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

impl Stage {
    pub async fn new() -> Self {
        Self::with(&test_kit::database_url(), &test_kit::rabbitmq_url()).await
    }

    pub async fn with(database_url: &str, rabbitmq_url: &str) -> Self {
        let stage = Self::starting(database_url, rabbitmq_url).await;
        Self {
            service: stage.service.ready().await,
            config: stage.config,
        }
    }

    /// Does not wait until the service is ready.
    pub async fn starting(database_url: &str, rabbitmq_url: &str) -> Self {
        let keys = key_file(KEYS_FILE);
        let config = Config::parse_from([
            "post",
            "--token-keys-file",
            keys.to_str().expect("a plain path"),
            "--token-issuer",
            &scope().issuer,
            "--token-audience",
            &scope().audience,
            "--mongodb-url",
            database_url,
            "--cursor-key-file",
            key_file(CURSOR_KEY_FILE).to_str().expect("a plain path"),
            "--redis-url",
            &test_kit::redis_url(),
            "--rabbitmq-url",
            rabbitmq_url,
            "--events-namespace",
            &test_kit::events_namespace(),
        ]);
        let settings = config.clone();
        let service = Running::start(|listeners, stop| post::run(settings, listeners, stop)).await;

        Self { service, config }
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

    /// A request without a token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.service.client.request(method, self.service.at(path))
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

pub async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}
