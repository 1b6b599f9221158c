//! A running search service with stores of its own, and somebody who posts.

use std::time::Duration;

use bus::{Broker, Publisher};
use clap::Parser;
use events::{Envelope, Event, Origin, PostCreated, PostDeleted, PostUpdated};
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Response};
use search::config::Config;
use serde_json::Value;
use test_kit::{KEYS_FILE, Running, Token, key_file, object_id, scope};

const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

pub struct Stage {
    pub service: Running,
    /// Somebody's token.
    token: String,
    publisher: Publisher,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(&test_kit::database_url(), &test_kit::rabbitmq_url()).await
    }

    pub async fn with(database_url: &str, rabbitmq_url: &str) -> Self {
        Self::start(config(database_url, rabbitmq_url)).await
    }

    /// The same platform's service may be started again.
    pub async fn start(config: Config) -> Self {
        let mut bus = config.bus.clone();
        let service = Running::start(|listeners, stop| search::run(config, listeners, stop)).await;
        bus.rabbitmq_url = test_kit::rabbitmq_url().into();
        let broker = Broker::new(&bus, "test").expect("a connection string");

        Self {
            service: service.ready().await,
            token: Token::Valid.of(&object_id()),
            publisher: Publisher::start(&broker),
        }
    }

    /// A request without a token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.service.client.request(method, self.service.at(path))
    }

    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Response {
        let request = self
            .request(Method::GET, path)
            .query(query)
            .bearer_auth(&self.token);
        send(request).await
    }

    /// What is found, whose status is 200.
    pub async fn search(&self, query: &str) -> Vec<Value> {
        let response = self.get("/v1/search/posts", &[("query", query)]).await;
        assert_eq!(response.status(), 200, "{query}");

        response.json().await.expect("JSON")
    }

    /// The texts of what is found.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let found = self.search(query).await;
        let text = |found: &Value| found["content"].as_str().expect("text").to_owned();
        found.iter().map(text).collect()
    }

    /// Waits until a search finds so many.
    pub async fn found(&self, query: &str, count: usize) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let found = self.search(query).await;
            if found.len() == count {
                return found;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{query}: found {found:?}, not {count}"
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until so many events were handled, as the metrics say.
    pub async fn settled(&self, events: u64) {
        self.handled("ok", events).await;
    }

    /// Waits until so many events became dead letters.
    pub async fn put_aside(&self, events: u64) {
        self.handled("dead_letter", events).await;
    }

    async fn handled(&self, result: &str, events: u64) {
        let url = format!("{}/metrics", self.service.admin_url);
        let result = format!("result=\"{result}\"");
        let handled = async || {
            let response = self.service.client.get(&url).send().await;
            let text = response.expect("an answer").text().await.expect("text");
            text.lines()
                .filter(|line| line.starts_with("events_handled_total") && line.contains(&result))
                .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
                .sum::<u64>()
        };
        until(&format!("{events} events are handled"), async || {
            handled().await >= events
        })
        .await;
    }

    pub async fn publish<E: Event>(&self, event: E) {
        let envelope = Envelope::new(event, Timestamp::now(), Origin::default());
        self.publisher.publish(&envelope).await.expect("confirmed");
    }

    /// Publishes posts with these texts, each a second newer than the one before, and waits until they are found by
    /// `word`, which all of them contain.
    pub async fn publish_all(&self, word: &str, texts: &[&str]) {
        for (second, text) in (0..).zip(texts) {
            let mut post = post(text);
            post.created_at = Timestamp::from_second(1_794_472_200 + second).expect("a time");
            self.publish(post).await;
        }
        self.found(word, texts.len()).await;
    }
}

/// Waits until `look` says so.
pub async fn until(what: &str, look: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !look().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "not in time: {what}"
        );
        tokio::time::sleep(POLL).await;
    }
}

pub fn config(database_url: &str, rabbitmq_url: &str) -> Config {
    let keys = key_file(KEYS_FILE);
    Config::parse_from([
        "search",
        "--token-keys-file",
        keys.to_str().expect("a plain path"),
        "--token-issuer",
        &scope().issuer,
        "--token-audience",
        &scope().audience,
        "--mongodb-url",
        database_url,
        "--redis-url",
        &test_kit::redis_url(),
        "--rabbitmq-url",
        rabbitmq_url,
        "--events-namespace",
        &test_kit::events_namespace(),
    ])
}

pub fn post(content: &str) -> PostCreated {
    PostCreated {
        post_id: object_id(),
        user_id: object_id(),
        content: content.to_owned(),
        media_ids: Vec::new(),
        created_at: Timestamp::from_millisecond(1_794_472_200_120).expect("a time"),
        version: 1,
    }
}

pub fn updated(post: &PostCreated, version: u64, content: &str) -> PostUpdated {
    PostUpdated {
        post_id: post.post_id.clone(),
        user_id: post.user_id.clone(),
        content: content.to_owned(),
        media_ids: post.media_ids.clone(),
        created_at: post.created_at,
        updated_at: post.created_at + Duration::from_secs(60),
        version,
    }
}

pub fn deleted(post: &PostCreated) -> PostDeleted {
    PostDeleted {
        post_id: post.post_id.clone(),
        user_id: post.user_id.clone(),
        media_ids: Vec::new(),
        version: post.version + 1,
    }
}

pub async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}
