//! A service whose process dies and comes back, and whose ways to its stores can be cut.

use faults::{Bug, Point};
use mongodb::bson::Document;
use mongodb::{Client, Collection, Database};
use test_kit::{CURSOR_KEY_FILE, KEYS_FILE, Proxy, key_file, scope};
use tokio::process::Child;

use crate::process::{Process, Setting, program};

pub struct Service {
    name: &'static str,
    settings: Vec<Setting>,
    pub mongodb: Proxy,
    pub rabbitmq: Proxy,
    /// Its database, for a look behind the API.
    database: Database,
    /// What its processes do wrong.
    mistake: String,
    process: Option<Process>,
    /// Its process was told to die.
    is_doomed: bool,
    /// How often it did.
    pub deaths: usize,
    /// What processes that have ended said last.
    words: Vec<String>,
}

impl Service {
    /// Not running. Its processes make this mistake.
    pub async fn new(name: &'static str, events_namespace: &str, mistake: Option<Bug>) -> Self {
        let database_url = test_kit::database_url();
        let client = Client::with_uri_str(&database_url).await;
        let database = client.expect("a client").default_database();
        let mongodb = Proxy::open(&database_url).await;
        let rabbitmq = Proxy::open(&test_kit::rabbitmq_url()).await;
        let path = |name| key_file(name).to_str().expect("a plain path").to_owned();
        let scope = scope();

        Self {
            name,
            settings: vec![
                ("TOKEN_KEYS_FILE", path(KEYS_FILE)),
                ("TOKEN_ISSUER", scope.issuer),
                ("TOKEN_AUDIENCE", scope.audience),
                ("MONGODB_URL", mongodb.url.clone()),
                ("REDIS_URL", test_kit::redis_url()),
                ("RABBITMQ_URL", rabbitmq.url.clone()),
                ("EVENTS_NAMESPACE", events_namespace.to_owned()),
                ("CURSOR_KEY_FILE", path(CURSOR_KEY_FILE)),
            ],
            mongodb,
            rabbitmq,
            database: database.expect("the URL names a database"),
            mistake: mistake.map_or_else(String::new, |bug| format!("{}=return", bug.name())),
            process: None,
            is_doomed: false,
            deaths: 0,
            words: Vec::new(),
        }
    }

    pub fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(name)
    }

    /// Its process, started if there is none. One that died without being told to is a failure of the test.
    pub async fn alive(&mut self) -> &mut Process {
        if let Some(process) = &mut self.process
            && process.is_dead()
        {
            let words = process.last_words();
            assert!(self.is_doomed, "{} died: {words}", self.name);
            self.words.push(words);
            self.process = None;
            self.deaths += 1;
        }
        if self.process.is_none() {
            self.start().await;
        }

        self.process.as_mut().expect("it was just started")
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) {
        self.alive().await.ready().await;
    }

    async fn start(&mut self) {
        self.process = Some(Process::start(self.name, &self.settings, &self.mistake).await);
        self.is_doomed = false;
    }

    /// The process of now dies the next time it is at `point`.
    pub async fn die_at(&mut self, point: Point) {
        self.alive().await.order(point, "panic").await;
        self.is_doomed = true;
    }

    /// The process of now stands still the next time it is at `point`.
    pub async fn stand_still_at(&mut self, point: Point) {
        self.alive().await.order(point, "pause").await;
    }

    /// It goes on from `point`.
    pub async fn go_on(&mut self, point: Point) {
        self.alive().await.order(point, "off").await;
    }

    pub async fn dies(&mut self) {
        self.process.as_mut().expect("it was started").dies().await;
    }

    /// Has the process finish what is in its hands and end; says whether it did.
    pub async fn stop(&mut self) -> bool {
        match self.process.take() {
            Some(mut process) => {
                let is_well = process.stop().await;
                self.words.push(process.last_words());
                is_well
            }
            None => true,
        }
    }

    /// For who wonders about a finding: what its processes said last.
    pub fn print_words(&self) {
        for words in &self.words {
            println!("a process of {} said last:{words}", self.name);
        }
    }

    /// Leaves nothing behind.
    pub async fn end(mut self) {
        self.process = None;
        self.database.drop().await.expect("MongoDB answers");
    }

    /// Another process of the program, with a task.
    pub fn task(&self, argument: &str) -> Child {
        let mut program = program(self.name, &self.settings);
        program.arg(argument).stdin(std::process::Stdio::null());

        program.spawn().expect("the program was built")
    }

    /// Another process beside this one, which dies at `point`.
    pub async fn beside(&self, point: Point) -> Process {
        let mut other = Process::start(self.name, &self.settings, &self.mistake).await;
        other.order(point, "panic").await;

        other
    }
}
