//! A running service with a database and events of its own.

use std::time::Duration;

use clap::{CommandFactory, FromArgMatches};
use media::config::Config;
use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::{Client, Collection, Database};
use reqwest::Response;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use test_kit::{KEYS_FILE, Running, Token, key_file, scope};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Small enough to be exceeded quickly, large enough for several chunks of 255 KiB.
pub const MAX_UPLOAD_BYTES: usize = 1024 * 1024;
const WAIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

pub struct Stage {
    pub service: Running,
    pub database: Database,
    /// What the names of exchange and queues begin with.
    pub namespace: String,
    /// The person who uploads.
    pub user: String,
}

/// Where a service finds its stores.
pub struct Stores {
    pub mongodb: String,
    pub rabbitmq: String,
    pub namespace: String,
    /// More settings, as on the command line.
    pub settings: Vec<String>,
}

impl Stores {
    pub fn real() -> Self {
        Self::with(&[])
    }

    /// The real stores, and these settings.
    pub fn with(settings: &[&str]) -> Self {
        Self {
            settings: settings.iter().map(ToString::to_string).collect(),
            mongodb: test_kit::database_url(),
            rabbitmq: test_kit::rabbitmq_url(),
            namespace: test_kit::events_namespace(),
        }
    }

    pub async fn start(&self) -> Running {
        let config = self.config();

        Running::start(|listeners, shutdown| media::run(config, listeners, shutdown)).await
    }

    /// Why a service with these settings does not start.
    pub async fn refused(&self) -> String {
        let listener = || tokio::net::TcpListener::bind("127.0.0.1:0");
        let listeners = service_kit::Listeners {
            api: listener().await.expect("a free port"),
            admin: listener().await.expect("a free port"),
        };
        let ended = media::run(self.config(), listeners, CancellationToken::new()).await;

        ended.expect_err("it does not start").to_string()
    }

    pub fn config(&self) -> Config {
        let scope = scope();
        let keys = key_file(KEYS_FILE);
        let max_upload_bytes = MAX_UPLOAD_BYTES.to_string();
        let settings = [
            "media",
            "--token-keys-file",
            keys.to_str().expect("a path in UTF-8"),
            "--token-issuer",
            &scope.issuer,
            "--token-audience",
            &scope.audience,
            "--mongodb-url",
            &self.mongodb,
            "--redis-url",
            &test_kit::redis_url(),
            "--rabbitmq-url",
            &self.rabbitmq,
            "--events-namespace",
            &self.namespace,
            "--max-upload-bytes",
            &max_upload_bytes,
        ];
        let more = self.settings.iter().map(String::as_str);

        // What a test asks for replaces what is usual here.
        let command = Config::command().args_override_self(true);
        let matches = command.get_matches_from(settings.into_iter().chain(more));

        Config::from_arg_matches(&matches).expect("clap has matched them")
    }
}

impl Stage {
    pub async fn new() -> Self {
        Self::on(Stores::real()).await
    }

    /// A service with these settings.
    pub async fn with(settings: &[&str]) -> Self {
        Self::on(Stores::with(settings)).await
    }

    pub async fn on(stores: Stores) -> Self {
        let client = Client::with_uri_str(&stores.mongodb).await;
        let database = client
            .expect("a client")
            .default_database()
            .expect("the URL names a database");

        Self {
            service: stores.start().await.ready().await,
            database,
            namespace: stores.namespace,
            user: test_kit::object_id(),
        }
    }

    /// Uploads `form` as the stage's person.
    pub async fn send(&self, form: Form) -> Response {
        let request = self.service.client.post(self.service.at("/v1/media"));

        request
            .bearer_auth(Token::Valid.of(&self.user))
            .multipart(form)
            .send()
            .await
            .expect("an answer")
    }

    /// Uploads `bytes` and returns the new id.
    pub async fn upload(&self, bytes: &[u8]) -> String {
        let response = self.send(form(bytes)).await;
        assert_eq!(response.status(), 201);
        let answer: Value = response.json().await.expect("JSON");

        answer["mediaId"].as_str().expect("an id").to_owned()
    }

    pub async fn fetch(&self, id: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self
            .service
            .client
            .get(self.service.at(&format!("/v1/media/{id}")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }

        request.send().await.expect("an answer")
    }

    /// Opens a connection and sends the head of an upload with `headers`, each ending in CR LF.
    pub async fn begin_upload(&self, headers: &str) -> TcpStream {
        let address = self.service.url.strip_prefix("http://").expect("a URL");
        let mut connection = TcpStream::connect(address).await.expect("a connection");
        let head = format!(
            "POST /v1/media HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
            Token::Valid.of(&self.user)
        );
        connection
            .write_all(head.as_bytes())
            .await
            .expect("the head is taken");

        connection
    }

    pub fn media(&self) -> Collection<Document> {
        self.database.collection("media")
    }

    pub fn uploads(&self) -> Collection<Document> {
        self.database.collection("uploads")
    }

    pub fn chunks(&self) -> Collection<Document> {
        self.database.collection("fs.chunks")
    }

    /// Nothing of any file is in the database, soon.
    pub async fn assert_nothing_stays(&self) {
        wait_until("the database is empty", async || {
            let mut documents = 0;
            for name in ["media", "uploads", "fs.files", "fs.chunks"] {
                documents += count(&self.database.collection(name), doc! {}).await;
            }
            documents == 0
        })
        .await;
    }
}

pub async fn count(collection: &Collection<Document>, filter: Document) -> u64 {
    collection.count_documents(filter).await.expect("a count")
}

pub fn object_id(id: &str) -> ObjectId {
    ObjectId::parse_str(id).expect("24 hex digits")
}

pub async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + WAIT;
    while !is_so().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "not within {WAIT:?}: {what}"
        );
        tokio::time::sleep(POLL).await;
    }
}

/// The header of a PNG of one pixel.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";

/// A PNG as far as its header tells, `length` bytes long, no two places alike.
pub fn png(length: usize) -> Vec<u8> {
    let mut bytes = PNG.to_vec();
    let noise = (0u32..).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
    bytes.extend(noise.take(length.saturating_sub(bytes.len())));
    bytes.truncate(length);

    bytes
}

/// A form with one file.
pub fn form(bytes: &[u8]) -> Form {
    Form::new().part("file", file(bytes))
}

/// A file that says to be a PNG, whatever it is.
pub fn file(bytes: &[u8]) -> Part {
    Part::bytes(bytes.to_vec())
        .file_name("picture.png")
        .mime_str("image/png")
        .expect("a media type")
}

/// The answer on a raw connection, to the end of its head.
pub async fn answer(connection: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = tokio::time::timeout(WAIT, connection.read_buf(&mut seen)).await;
        let read = read.expect("an answer in time").expect("an answer");
        assert_ne!(read, 0, "the connection ended before an answer");
    }

    String::from_utf8_lossy(&seen).into_owned()
}
