//! Everything that is measured, running.

use anyhow::{Context as _, Result};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::cores::Core;
use crate::measure::{Bench, Subject};
use crate::platform::{Gateway, Places, Service, Services};
use crate::process::Process;

/// The one password of everybody here.
pub const PASSWORD: &str = "a lighthouse in the fog";

/// The platform, and somebody who has an account on it.
pub struct Stage {
    pub bench: Bench,
    pub places: Places,
    pub services: Services,
    pub gateway: Service,
    /// A gateway before the post service without a page cache.
    pub uncached: Service,
    pub client: Client,
    pub token: String,
    /// Resident memory of each process, in bytes, before anybody asked it for anything.
    pub idle: Vec<u64>,
}

impl Stage {
    pub async fn new(bench: Bench, places: Places) -> Result<Self> {
        let services = places.services(&bench.stores).await?;
        let gateway = |name, post: &Service| Gateway {
            name,
            redis_url: bench.stores.redis_url.clone(),
            log_filter: "info",
            core: Core::Any,
            upstreams: [&services.identity, post, &services.media, &services.search]
                .map(|service| service.url.clone()),
        };
        let uncached = gateway("gateway-uncached", &services.uncached_post);
        let uncached = places.gateway(uncached).await?;
        let gateway = gateway("gateway", &services.post);
        let gateway = places.gateway(gateway).await?;
        let client = Client::builder().no_proxy().build()?;
        let mut stage = Self {
            bench,
            places,
            services,
            gateway,
            uncached,
            client,
            token: String::new(),
            idle: Vec::new(),
        };
        stage.idle = stage.resident().await?;
        stage.token = register(&stage.client, &stage.gateway.url, "somebody").await?;

        Ok(stage)
    }

    /// Resident memory of each process, in bytes, once all of them rest.
    pub async fn resident(&self) -> Result<Vec<u64>> {
        let processes = self.processes();
        self.bench.quiet(&processes).await?;
        let memory = processes
            .iter()
            .map(|process| Ok(process.memory()?.resident));

        memory.collect()
    }

    /// All processes of the platform.
    pub fn processes(&self) -> Vec<&Process> {
        let services = self.services.all().into_iter();

        [&self.gateway, &self.uncached]
            .into_iter()
            .chain(services)
            .map(|service| &service.process)
            .collect()
    }

    /// All processes of the platform, in the same order.
    pub fn processes_mut(&mut self) -> Vec<&mut Process> {
        let Services {
            identity,
            post,
            uncached_post,
            media,
            search,
        } = &mut self.services;

        [
            &mut self.gateway,
            &mut self.uncached,
            identity,
            post,
            uncached_post,
            media,
            search,
        ]
        .into_iter()
        .map(|service| &mut service.process)
        .collect()
    }

    /// A row about what the platform answers at the gateway.
    pub fn subject<'a>(&'a self, name: &'a str, processes: &'a [&'a Process]) -> Subject<'a> {
        Subject {
            name,
            posts: None,
            url: &self.gateway.url,
            processes,
            shows_stores: true,
            core: Core::Any,
        }
    }

    pub async fn get(&self, url: &str) -> Result<Value> {
        answer(self.client.get(url).bearer_auth(&self.token)).await
    }
}

/// An account; the answer is an access token.
pub async fn register(client: &Client, url: &str, name: &str) -> Result<String> {
    let account = json!({ "userName": name, "email": email(name), "password": PASSWORD });
    let request = client
        .post(format!("{url}/v1/auth/register"))
        .json(&account);

    text(&answer(request).await?, "accessToken")
}

pub fn email(name: &str) -> String {
    format!("{name}@example.org")
}

pub async fn answer(request: RequestBuilder) -> Result<Value> {
    let response = request.send().await?;
    let (status, url) = (response.status(), response.url().clone());
    let text = response.text().await?;
    anyhow::ensure!(status.is_success(), "{url} answered {status}: {text}");

    Ok(serde_json::from_str(&text)?)
}

pub fn text(answer: &Value, field: &str) -> Result<String> {
    let text = answer[field].as_str().map(str::to_owned);

    text.with_context(|| format!("no {field} in {answer}"))
}
