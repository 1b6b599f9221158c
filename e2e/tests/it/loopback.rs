//! The whole platform in this process, on loopback, with databases and queues of its own in the real stores.

use clap::Parser;
use test_kit::{
    CURSOR_KEY_FILE, KEYS_FILE, REFRESH_KEY_FILE, Running, SIGNING_KEY_FILE, key_file, scope,
};

/// So little work for a hash that nobody waits for it.
const CHEAP_HASH: [&str; 4] = ["--argon2-memory-kib", "64", "--argon2-iterations", "1"];

/// Nobody is limited.
const NO_LIMITS: [&str; 8] = [
    "--rate-limit-per-minute",
    "1000000",
    "--rate-limit-burst",
    "1000000",
    "--auth-rate-limit-per-minute",
    "1000000",
    "--auth-rate-limit-burst",
    "1000000",
];

pub struct Platform {
    pub gateway: Running,
    pub identity: Running,
    pub post: Running,
    pub media: Running,
    pub search: Running,
}

impl Platform {
    /// Ready, every part of it.
    pub async fn start() -> Self {
        let events = test_kit::events_namespace();
        let (identity, post, media, search) = tokio::join!(
            identity(&events),
            post(&events),
            media(&events),
            search(&events)
        );
        let gateway = gateway([&identity, &post, &media, &search]).await;

        Self {
            gateway,
            identity,
            post,
            media,
            search,
        }
    }

    /// All that are behind the gateway.
    pub fn services(&self) -> [&Running; 4] {
        [&self.identity, &self.post, &self.media, &self.search]
    }
}

async fn gateway(services: [&Running; 4]) -> Running {
    let [identity, post, media, search] = services.map(|service| service.url.as_str());
    let urls = [
        "--identity-url",
        identity,
        "--post-url",
        post,
        "--media-url",
        media,
        "--search-url",
        search,
    ];
    let settings = settings("gateway", &[&urls[..], &NO_LIMITS].concat());
    let config = gateway::config::Config::parse_from(settings);
    let running = Running::start(|listeners, stop| gateway::run(config, listeners, stop)).await;

    running.ready().await
}

async fn identity(events: &str) -> Running {
    let (signing_key, refresh_key) = (path(SIGNING_KEY_FILE), path(REFRESH_KEY_FILE));
    let keys = [
        "--token-signing-key-file",
        &signing_key,
        "--refresh-key-file",
        &refresh_key,
    ];
    let settings = with_stores("identity", events, &[keys, CHEAP_HASH].concat());
    let config = identity::config::Config::parse_from(settings);
    let running = Running::start(|listeners, stop| identity::run(config, listeners, stop)).await;

    running.ready().await
}

async fn post(events: &str) -> Running {
    let cursor_key = path(CURSOR_KEY_FILE);
    let settings = with_stores("post", events, &["--cursor-key-file", &cursor_key]);
    let config = post::config::Config::parse_from(settings);
    let running = Running::start(|listeners, stop| post::run(config, listeners, stop)).await;

    running.ready().await
}

async fn media(events: &str) -> Running {
    let config = media::config::Config::parse_from(with_stores("media", events, &[]));
    let running = Running::start(|listeners, stop| media::run(config, listeners, stop)).await;

    running.ready().await
}

async fn search(events: &str) -> Running {
    let config = search::config::Config::parse_from(with_stores("search", events, &[]));
    let running = Running::start(|listeners, stop| search::run(config, listeners, stop)).await;

    running.ready().await
}

/// The command line of a service that has a database and takes part in events.
fn with_stores(program: &str, events: &str, own: &[&str]) -> Vec<String> {
    let (mongodb, rabbitmq) = (test_kit::database_url(), test_kit::rabbitmq_url());
    let stores = [
        "--mongodb-url",
        &mongodb,
        "--rabbitmq-url",
        &rabbitmq,
        "--events-namespace",
        events,
    ];

    settings(program, &[&stores[..], own].concat())
}

/// The command line of any service.
fn settings(program: &str, own: &[&str]) -> Vec<String> {
    let (scope, keys, redis) = (scope(), path(KEYS_FILE), test_kit::redis_url());
    let common = [
        program,
        "--redis-url",
        &redis,
        "--token-issuer",
        &scope.issuer,
        "--token-audience",
        &scope.audience,
        "--token-keys-file",
        &keys,
    ];

    let all = common.iter().chain(own);
    all.map(|&setting| setting.to_owned()).collect()
}

fn path(name: &str) -> String {
    let path = key_file(name);

    path.to_str().expect("a path in UTF-8").to_owned()
}
