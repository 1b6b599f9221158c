//! The services, each as a process of its own, as they are released.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use test_kit::{CURSOR_KEY_FILE, KEYS_FILE, REFRESH_KEY_FILE, SIGNING_KEY_FILE, key_file, scope};

use crate::cores::Core;
use crate::process::Process;
use crate::stores::{Stores, Url};

/// Out of the way of every measurement.
const UNLIMITED: &str = "1000000";

/// Where the programs are, and where they leave what they print.
pub struct Places {
    pub programs: PathBuf,
    pub scratch: PathBuf,
}

/// A service and its address.
pub struct Service {
    pub process: Process,
    pub url: String,
}

/// The services behind the gateway.
pub struct Services {
    pub identity: Service,
    pub post: Service,
    /// The same with no page cache.
    pub uncached_post: Service,
    pub media: Service,
    pub search: Service,
}

/// What differs between gateways.
pub struct Gateway {
    pub name: &'static str,
    pub redis_url: String,
    pub log_filter: &'static str,
    pub core: Core,
    /// Where identity, post, media and search are.
    pub upstreams: [String; 4],
}

impl Places {
    /// The programs are beside this one.
    pub fn new() -> Result<Self> {
        let here = std::env::current_exe()?;
        let scratch =
            std::env::temp_dir().join(format!("socialplatform-bench-{}", std::process::id()));
        std::fs::create_dir_all(&scratch)?;

        Ok(Self {
            programs: here
                .parent()
                .context("a program is in a folder")?
                .to_owned(),
            scratch,
        })
    }

    pub async fn gateway(&self, gateway: Gateway) -> Result<Service> {
        let [identity, post, media, search] = gateway.upstreams;
        let mut settings = tokens();
        settings.extend([
            ("IDENTITY_URL", identity),
            ("POST_URL", post),
            ("MEDIA_URL", media),
            ("SEARCH_URL", search),
            ("REDIS_URL", gateway.redis_url),
            ("LOG_FILTER", gateway.log_filter.to_owned()),
            ("RATE_LIMIT_PER_MINUTE", UNLIMITED.to_owned()),
            ("RATE_LIMIT_BURST", UNLIMITED.to_owned()),
            ("AUTH_RATE_LIMIT_PER_MINUTE", UNLIMITED.to_owned()),
            ("AUTH_RATE_LIMIT_BURST", UNLIMITED.to_owned()),
        ]);

        self.start(gateway.name, "gateway", settings, gateway.core)
            .await
    }

    /// All services, ready.
    pub async fn services(&self, stores: &Stores) -> Result<Services> {
        let start = |name, program, database: &Url, own: &[(&'static str, &str)]| {
            let mut settings = tokens();
            settings.extend([
                ("MONGODB_URL", database.0.clone()),
                ("REDIS_URL", stores.redis_url.clone()),
                ("RABBITMQ_URL", stores.rabbitmq_url.clone()),
                ("EVENTS_NAMESPACE", stores.events_namespace.clone()),
            ]);
            settings.extend(own.iter().map(|(name, value)| (*name, (*value).to_owned())));
            self.start(name, program, settings, Core::Any)
        };
        let day = [("ACCESS_TOKEN_TTL_SECONDS", "86400")];
        let no_quota = [("USER_QUOTA_BYTES", "1099511627776")];
        let no_cache = [("PAGE_CACHE_TTL_SECONDS", "0")];

        // One after the other, so that how long each takes to be ready is its own doing.
        Ok(Services {
            identity: start("identity", "identity", &stores.identity, &day).await?,
            post: start("post", "post", &stores.post, &[]).await?,
            uncached_post: start("post-uncached", "post", &stores.post, &no_cache).await?,
            media: start("media", "media", &stores.media, &no_quota).await?,
            search: start("search", "search", &stores.search, &[]).await?,
        })
    }

    async fn start(
        &self,
        name: &'static str,
        program: &str,
        mut settings: Vec<(&'static str, String)>,
        core: Core,
    ) -> Result<Service> {
        let (api, admin) = (free_address()?, free_address()?);
        settings.extend([
            ("LISTEN_ADDRESS", api.clone()),
            ("ADMIN_ADDRESS", admin.clone()),
        ]);
        let program = self.programs.join(program);
        let none: [&str; 0] = [];
        let process = Process::start(name, &program, none, &settings, core, &self.scratch)?;

        Ok(Service {
            process: process.ready(&format!("http://{admin}/readyz")).await?,
            url: format!("http://{api}"),
        })
    }
}

impl Services {
    pub fn all(&self) -> [&Service; 5] {
        [
            &self.identity,
            &self.post,
            &self.uncached_post,
            &self.media,
            &self.search,
        ]
    }
}

/// An address of the loopback interface that nothing listens on.
pub fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;

    Ok(listener.local_addr()?.to_string())
}

/// What the services are told of tokens and keys.
fn tokens() -> Vec<(&'static str, String)> {
    let scope = scope();
    let file = |name| path(&key_file(name));

    vec![
        ("TOKEN_ISSUER", scope.issuer),
        ("TOKEN_AUDIENCE", scope.audience),
        ("TOKEN_KEYS_FILE", file(KEYS_FILE)),
        ("TOKEN_SIGNING_KEY_FILE", file(SIGNING_KEY_FILE)),
        ("REFRESH_KEY_FILE", file(REFRESH_KEY_FILE)),
        ("CURSOR_KEY_FILE", file(CURSOR_KEY_FILE)),
    ]
}

fn path(path: &Path) -> String {
    path.display().to_string()
}
