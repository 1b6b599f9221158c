//! A look into the broker, and a hand in it.

use std::time::Duration;

use lapin::options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use tokio::time::{Instant, sleep};

/// The queues of the services that keep copies.
pub const QUEUES: [&str; 2] = ["media.posts", "search.posts"];
const PATIENCE: Duration = Duration::from_secs(60);
/// A quorum queue that does not count within 250 ms is said to have nothing and nobody.
const COUNTED_WITHIN: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(20);

pub struct Broker {
    connection: Connection,
    namespace: String,
}

/// A queue at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Not those that a consumer has in hand.
    pub events: u32,
    pub consumers: u32,
}

impl Broker {
    pub async fn new(namespace: &str) -> Self {
        let url = test_kit::rabbitmq_url();
        let connection = Connection::connect(&url, ConnectionProperties::default()).await;

        Self {
            connection: connection.expect("the broker answers"),
            namespace: namespace.to_owned(),
        }
    }

    /// Nothing when there is no such queue.
    pub async fn depth(&self, queue: &str) -> Option<Depth> {
        let passive = QueueDeclareOptions {
            passive: true,
            ..Default::default()
        };
        loop {
            // A queue that is not there ends the channel it is asked for over.
            let channel = self.channel().await;
            let name = self.name(queue).into();
            let asked = Instant::now();
            let declared = channel.queue_declare(name, passive, FieldTable::default());
            let queue = declared.await.ok()?;
            if asked.elapsed() < COUNTED_WITHIN {
                return Some(Depth {
                    events: queue.message_count(),
                    consumers: queue.consumer_count(),
                });
            }
        }
    }

    /// Leaves nothing behind.
    pub async fn end(self) {
        let queues = QUEUES.iter().chain(&["post.users"]);
        for queue in queues.flat_map(|queue| [(*queue).to_owned(), format!("{queue}.dead")]) {
            self.remove(&queue).await;
        }
        let exchange = self.name("events").into();
        let channel = self.channel().await;
        let removed = channel.exchange_delete(exchange, ExchangeDeleteOptions::default());
        removed.await.expect("the broker answers");
    }

    pub async fn remove(&self, queue: &str) {
        let name = self.name(queue).into();
        let channel = self.channel().await;
        let removed = channel.queue_delete(name, QueueDeleteOptions::default());
        removed.await.expect("the broker answers");
    }

    /// Waits until the queue is there.
    pub async fn has(&self, queue: &str) {
        self.until(queue, |_| true).await;
    }

    /// Waits until the broker has noticed that nobody follows the queue, and put back what they had in hand.
    pub async fn abandoned(&self, queue: &str) -> Depth {
        self.until(queue, |depth| depth.consumers == 0).await
    }

    async fn until(&self, queue: &str, is_it: impl Fn(Depth) -> bool) -> Depth {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let depth = self.depth(queue).await;
            if let Some(depth) = depth.filter(|depth| is_it(*depth)) {
                return depth;
            }
            assert!(Instant::now() < deadline, "{queue}: {depth:?}");
            sleep(POLL).await;
        }
    }

    async fn channel(&self) -> Channel {
        let channel = self.connection.create_channel().await;
        channel.expect("the broker answers")
    }

    fn name(&self, queue: &str) -> String {
        format!("{}.{queue}", self.namespace)
    }
}
