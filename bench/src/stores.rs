//! The stores the services work with: names of this run's own, and what the stores' work costs.

use std::time::Duration;

use anyhow::{Context as _, Result};
use mongodb::bson::{Bson, Document, doc};
use mongodb::{Client, Database};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// MongoDB, Redis and RabbitMQ, and a database in MongoDB for each service.
pub struct Stores {
    pub identity: Url,
    pub post: Url,
    pub media: Url,
    pub search: Url,
    pub redis_url: String,
    pub rabbitmq_url: String,
    pub events_namespace: String,
    client: Client,
}

/// The connection string of a database.
pub struct Url(pub String);

impl Stores {
    /// As the environment names them.
    pub async fn new() -> Result<Self> {
        let identity = Url(test_kit::database_url());

        Ok(Self {
            client: Client::with_uri_str(&identity.0).await?,
            identity,
            post: Url(test_kit::database_url()),
            media: Url(test_kit::database_url()),
            search: Url(test_kit::database_url()),
            redis_url: test_kit::redis_url(),
            rabbitmq_url: test_kit::rabbitmq_url(),
            events_namespace: test_kit::events_namespace(),
        })
    }

    pub fn database(&self, url: &Url) -> Database {
        self.client.database(url.database())
    }

    /// Processor time MongoDB has used so far, by its own account.
    pub async fn mongodb_cpu(&self) -> Result<Duration> {
        let admin = self.client.database("admin");
        let status = admin.run_command(doc! { "serverStatus": 1 }).await?;
        let extra = status.get_document("extra_info")?;
        let part = |name| match extra.get(name) {
            Some(Bson::Int64(microseconds)) => u64::try_from(*microseconds).ok(),
            _ => None,
        };
        let (user, system) = (part("user_time_us"), part("system_time_us"));

        user.zip(system)
            .map(|(user, system)| Duration::from_micros(user + system))
            .context("MongoDB does not tell what time it used")
    }

    /// Processor time Redis has used so far, by its own account.
    pub async fn redis_cpu(&self) -> Result<Duration> {
        let told = self.redis_info().await?;
        let part = |name: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().parse::<f64>().ok()
        };
        let (user, system) = (part("used_cpu_user:"), part("used_cpu_sys:"));

        user.zip(system)
            .map(|(user, system)| Duration::from_secs_f64(user + system))
            .context("Redis does not tell what time it used")
    }

    async fn redis_info(&self) -> Result<String> {
        let address = self.redis_url.trim_start_matches("redis://");
        let mut connection = TcpStream::connect(address).await?;
        connection.write_all(b"INFO cpu\r\nQUIT\r\n").await?;
        let mut told = String::new();
        connection.read_to_string(&mut told).await?;

        Ok(told)
    }

    /// Removes every file, so that uploads of one measurement do not fill the memory that MongoDB runs in.
    pub async fn empty_media(&self) -> Result<()> {
        let database = self.database(&self.media);
        for name in database.list_collection_names().await? {
            let collection = database.collection::<Document>(&name);
            collection.delete_many(doc! {}).await?;
        }

        Ok(())
    }

    /// Removes what this run made.
    pub async fn clear(&self) -> Result<()> {
        for url in [&self.identity, &self.post, &self.media, &self.search] {
            self.database(url).drop().await?;
        }

        Ok(())
    }
}

impl Url {
    fn database(&self) -> &str {
        let path = self.0.rsplit('/').next().unwrap_or_default();

        path.split('?').next().unwrap_or_default()
    }
}
