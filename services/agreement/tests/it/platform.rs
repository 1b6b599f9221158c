//! Post, media and search on stores of their own, and somebody who writes.

use std::time::Duration;

use bus::{BusConfig, Publisher};
use events::{Envelope, Origin, PostCreated};
use faults::{Bug, Point};
use jiff::Timestamp;
use mongodb::bson::doc;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use test_kit::{Token, events_namespace, object_id};
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use crate::broker::{Broker, QUEUES};
use crate::history::{Text, Told, Written};
use crate::process::client;
use crate::service::Service;

const POLL: Duration = Duration::from_millis(50);
/// The header of a picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";

pub struct Platform {
    pub post: Service,
    pub media: Service,
    pub search: Service,
    pub broker: Broker,
    publisher: Publisher,
    client: Client,
    /// Who writes.
    user: String,
    pub history: Vec<Written>,
    /// Runs of `post reindex`.
    reindexing: Vec<Child>,
}

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Post,
    Media,
    Search,
}

impl Who {
    pub const ALL: [Self; 3] = [Self::Post, Self::Media, Self::Search];
}

impl Platform {
    /// Every service is ready, and makes this mistake.
    pub async fn start(mistake: Option<Bug>) -> Self {
        let namespace = events_namespace();
        let config = BusConfig {
            rabbitmq_url: test_kit::rabbitmq_url().into(),
            events_namespace: namespace.clone(),
        };
        let broker = bus::Broker::new(&config, "test").expect("a connection string");
        let service = |name| Service::new(name, &namespace, mistake);
        let (mut post, mut media, mut search) =
            tokio::join!(service("post"), service("media"), service("search"));
        tokio::join!(post.ready(), media.ready(), search.ready());

        Self {
            post,
            media,
            search,
            broker: Broker::new(&namespace).await,
            publisher: Publisher::start(&broker),
            client: client(),
            user: object_id(),
            history: Vec::new(),
            reindexing: Vec::new(),
        }
    }

    /// Leaves nothing behind that would cost who comes after it.
    pub async fn end(self) {
        tokio::join!(self.post.end(), self.media.end(), self.search.end());
        drop(self.publisher);
        self.broker.end().await;
    }

    pub fn service(&mut self, who: Who) -> &mut Service {
        match who {
            Who::Post => &mut self.post,
            Who::Media => &mut self.media,
            Who::Search => &mut self.search,
        }
    }

    /// How often processes died.
    pub fn deaths(&self) -> usize {
        self.post.deaths + self.media.deaths + self.search.deaths
    }

    /// Writes a post, and says which one it is in the history.
    pub async fn create(&mut self, has_file: bool) -> usize {
        let draft = self.text(has_file).await;
        self.history.push(Written::new(draft, object_id()));
        let post = self.history.len() - 1;
        self.send(post).await;

        post
    }

    /// The same until it is for certain.
    pub async fn surely_create(&mut self, has_file: bool) -> usize {
        let post = self.create(has_file).await;
        while self.history[post].told.is_none() {
            sleep(POLL).await;
            self.send(post).await;
        }

        post
    }

    /// Sends the request that writes a post, perhaps once more.
    pub async fn send(&mut self, post: usize) {
        let written = &self.history[post];
        let (key, body) = (written.key.clone(), body_of(&written.draft));
        let request = self.request(Method::POST, "/v1/posts").await;
        let answer = request.header("idempotency-key", key).json(&body).send();
        if let Some(answer) = answered(answer.await, &[StatusCode::CREATED, StatusCode::CONFLICT])
            && answer.status() == StatusCode::CREATED
            && let Ok(answer) = answer.json::<Value>().await
        {
            self.history[post].created(told(&answer["newPost"]));
        }
    }

    pub async fn edit(&mut self, post: usize, has_file: bool) {
        let url = self.post.alive().await.url.clone();
        self.edit_at(&url, post, has_file).await;
    }

    /// Changes a post at another process of the post service, which dies at `point`.
    pub async fn edit_beside(&mut self, post: usize, point: Point) {
        let mut other = self.post.beside(point).await;
        self.edit_at(&other.url, post, true).await;
        other.dies().await;
    }

    async fn edit_at(&mut self, url: &str, post: usize, has_file: bool) {
        let Some(id) = self.id(post) else { return };
        let text = self.text(has_file).await;
        self.history[post].texts.push(text.clone());
        let url = format!("{url}/v1/posts/{id}");
        let request = self.client.patch(url).bearer_auth(self.token());
        let answer = request.json(&body_of(&text)).send().await;
        let written = &mut self.history[post];
        match answered(answer, &[StatusCode::OK, StatusCode::NOT_FOUND]) {
            Some(answer) if answer.status() == StatusCode::OK => written.edited(text),
            Some(_) => written.is_not_there(),
            None => written.may_be(Some(text)),
        }
    }

    pub async fn delete(&mut self, post: usize) {
        let Some(id) = self.id(post) else { return };
        let path = format!("/v1/posts/{id}");
        let request = self.request(Method::DELETE, &path).await;
        let answer = request.send().await;
        let written = &mut self.history[post];
        match answered(answer, &[StatusCode::OK, StatusCode::NOT_FOUND]) {
            Some(answer) if answer.status() == StatusCode::OK => written.deleted(),
            Some(_) => written.is_not_there(),
            None => written.may_be(None),
        }
    }

    /// Has everybody told again that a post was written, long after.
    pub async fn tell_again(&self, post: usize) {
        let written = &self.history[post];
        let Some(Told { id, created_at }) = written.told.clone() else {
            return;
        };
        let event = PostCreated {
            post_id: id,
            user_id: self.user.clone(),
            content: written.draft.content.clone(),
            media_ids: written.draft.files.clone(),
            created_at,
            version: 1,
        };
        let envelope = Envelope::new(event, Timestamp::now(), Origin::default());
        self.publisher.publish(&envelope).await.expect("confirmed");
    }

    /// Begins to have every post announced again.
    pub fn reindex(&mut self) {
        self.reindexing.push(self.post.task("reindex"));
    }

    /// Waits until nothing is under way any more: every way open, every process alive, nothing to be announced, no event
    /// in a queue or in a hand. Otherwise says what is still under way.
    pub async fn settle(&mut self, patience: Duration) -> Result<(), String> {
        for who in Who::ALL {
            let service = self.service(who);
            service.mongodb.reopen();
            service.rabbitmq.reopen();
        }
        let deadline = Instant::now() + patience;
        loop {
            tokio::join!(self.post.alive(), self.media.alive(), self.search.alive());
            let waits = match self.waits().await {
                Some(waits) => waits,
                None => match self.waits_in_hand().await {
                    Some(waits) => waits,
                    None => return Ok(()),
                },
            };
            if Instant::now() > deadline {
                return Err(waits);
            }
            sleep(POLL).await;
        }
    }

    /// What waits, as far as that can be seen while consumers have events in hand.
    async fn waits(&mut self) -> Option<String> {
        for run in &mut self.reindexing {
            let ended = run.try_wait().expect("it can be asked");
            if ended.is_some_and(|status| status.success()) {
                continue;
            }
            if ended.is_some() {
                // As whoever sees that it was cut short would.
                *run = self.post.task("reindex");
            }
            return Some("a reindex goes on".to_owned());
        }
        let pending = self.count_pending().await;
        if pending > 0 {
            return Some(format!("{pending} changes are to be announced"));
        }
        for queue in QUEUES {
            match self.broker.depth(queue).await {
                Some(depth) if depth.events == 0 => {}
                depth => return Some(format!("{queue}: {depth:?}")),
            }
        }

        None
    }

    /// Has the consumers stop, which finishes what they have in hand or hands it back.
    async fn waits_in_hand(&mut self) -> Option<String> {
        let stopped = tokio::join!(self.media.stop(), self.search.stop());
        if stopped != (true, true) {
            return Some("a service ended badly".to_owned());
        }
        for queue in QUEUES {
            let depth = self.broker.abandoned(queue).await;
            if depth.events > 0 {
                return Some(format!("{queue}: {depth:?}"));
            }
        }

        None
    }

    pub async fn count_pending(&self) -> u64 {
        let posts = self.post.collection("posts");
        let pending = posts.count_documents(doc! { "pending": { "$exists": true } });

        pending.await.expect("a count")
    }

    /// Whether the post service has published something, or tried to.
    pub async fn has_tried_to_publish(&mut self) -> bool {
        let url = format!("{}/metrics", self.post.alive().await.admin_url);
        let metrics = self.client.get(url).send().await.expect("an answer");
        let metrics = metrics.text().await.expect("text");

        metrics.contains("events_published_total{")
    }

    /// Whether search has a post that says this.
    pub async fn search_has(&self, content: &str) -> bool {
        let posts = self.search.collection("posts");
        let found = posts.find_one(doc! { "content": content }).await;

        found.expect("an answer").is_some()
    }

    /// What is found for a word.
    pub async fn search(&mut self, word: &str) -> Value {
        let url = format!(
            "{}/v1/search/posts?query={word}",
            self.search.alive().await.url
        );
        let request = self.client.get(url).bearer_auth(self.token());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{word}");

        answer.json().await.expect("JSON")
    }

    /// A text nobody wrote before, with a file of its own if there is somebody to take it.
    async fn text(&mut self, has_file: bool) -> Text {
        let number = self.history.iter().map(|post| post.texts.len()).sum();
        let file = if has_file { self.upload().await } else { None };

        Text::new(number, file.into_iter().collect())
    }

    async fn upload(&mut self) -> Option<String> {
        let picture = Part::bytes(PNG).file_name("picture.png");
        let url = format!("{}/v1/media", self.media.alive().await.url);
        let request = self.client.post(url).bearer_auth(self.token());
        let request = request.multipart(Form::new().part("file", picture));
        let answer = answered(request.send().await, &[StatusCode::CREATED])?;
        let answer: Value = answer.json().await.ok()?;

        answer["mediaId"].as_str().map(str::to_owned)
    }

    async fn request(&mut self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.post.alive().await.url);

        self.client.request(method, url).bearer_auth(self.token())
    }

    fn token(&self) -> String {
        Token::Valid.of(&self.user)
    }

    fn id(&self, post: usize) -> Option<String> {
        let told = self.history[post].told.as_ref()?;

        Some(told.id.clone())
    }
}

/// An answer that says what took place; nothing when that is unknown.
fn answered(answer: reqwest::Result<Response>, expected: &[StatusCode]) -> Option<Response> {
    let answer = answer.ok()?;
    let status = answer.status();
    if status.is_server_error() {
        return None;
    }
    assert!(expected.contains(&status), "{status}");

    Some(answer)
}

fn body_of(text: &Text) -> Value {
    json!({ "content": text.content, "mediaIds": text.files })
}

fn told(post: &Value) -> Told {
    let text = |name: &str| post[name].as_str().expect("text");

    Told {
        id: text("_id").to_owned(),
        created_at: text("createdAt").parse().expect("a time"),
    }
}
