//! The dead-letter queue of a queue, as the one who follows that queue sees it.

use std::time::{Duration, Instant};

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use prometheus::IntGauge;
use tokio::sync::Mutex;

use crate::Queue;
use crate::broker::{Broker, LinkError, publish, within};

/// Why a message is there: a header of dead letters.
pub(crate) const REASON: &str = "x-reason";
const MAX_REASON_CHARS: usize = 500;
/// Set by quorum queues: how often the message was handed back.
pub(crate) const DELIVERY_COUNT: &str = "x-delivery-count";
/// What a quorum queue adds to a message that it delivers again.
pub(crate) const DELIVERY_COUNTS: [&str; 2] = [DELIVERY_COUNT, "x-acquired-count"];
const TIMEOUT: Duration = Duration::from_secs(2);
/// A quorum queue that is not counted within 250 ms is said to be empty, so what is answered later counts for nothing.
const COUNTED_WITHIN: Duration = Duration::from_millis(200);
/// How often dead letters are counted.
const COUNT_PERIOD: Duration = Duration::from_secs(10);

/// The way to a dead-letter queue, over a connection of its own: a broker that is short of room stops to listen to who
/// publishes, and must not stop listening to the acknowledgements of everything else.
pub(crate) struct Grave {
    broker: Broker,
    queue: String,
    open: Mutex<Option<(Connection, Channel)>>,
}

impl Grave {
    /// Nothing is asked of the broker before there is something to do.
    pub(crate) fn new(broker: &Broker, queue: Queue) -> Self {
        Self {
            broker: broker.clone(),
            queue: broker.topology().dead_letter_queue(queue),
            open: Mutex::default(),
        }
    }

    async fn channel(&self) -> Result<Channel, LinkError> {
        let mut open = self.open.lock().await;
        if let Some((_, channel)) = open
            .as_ref()
            .filter(|(_, channel)| channel.status().connected())
        {
            return Ok(channel.clone());
        }
        let (connection, channel) = self.broker.connect_to_publish().await?;
        *open = Some((connection, channel.clone()));

        Ok(channel)
    }

    /// Keeps `count` up to date, for ever.
    pub(crate) async fn keep_counting(&self, count: &IntGauge) {
        loop {
            match self.count().await {
                Ok(Some(found)) => count.set(found.into()),
                Ok(None) => tracing::debug!("RabbitMQ is too busy to count dead letters"),
                Err(error) => tracing::debug!(%error, "dead letters are not counted"),
            }
            tokio::time::sleep(COUNT_PERIOD).await;
        }
    }

    /// Puts a copy of a message there that says why; waits for the broker's confirm.
    pub(crate) async fn put(
        &self,
        body: &[u8],
        properties: BasicProperties,
        reason: &str,
    ) -> Result<(), LinkError> {
        let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
        let headers = properties.headers().clone().unwrap_or_default();
        // How often it was delivered here says nothing there.
        let mut headers = without(headers, &DELIVERY_COUNTS);
        headers.insert(
            ShortString::from(REASON),
            AMQPValue::LongString(LongString::from(reason)),
        );

        let properties = properties.with_headers(headers);
        publish_to(&self.channel().await?, &self.queue, body, properties).await
    }

    /// How many messages are there; none when that cannot be said.
    async fn count(&self) -> Result<Option<u32>, LinkError> {
        let options = QueueDeclareOptions {
            passive: true,
            ..Default::default()
        };
        let channel = self.channel().await?;
        let queue = self.queue.as_str().into();
        let asked = Instant::now();
        let declared = channel.queue_declare(queue, options, FieldTable::default());
        let count = within(TIMEOUT, declared).await?.message_count();

        Ok((asked.elapsed() < COUNTED_WITHIN).then_some(count))
    }
}

/// The headers but for these.
pub(crate) fn without(headers: FieldTable, names: &[&str]) -> FieldTable {
    let mut kept = FieldTable::default();
    for (name, value) in headers.inner() {
        if !names.contains(&name.as_str()) {
            kept.insert(ShortString::from(name.as_str()), value.clone());
        }
    }

    kept
}

/// Puts a message into one queue, and waits for the broker's confirm.
pub(crate) async fn publish_to(
    channel: &Channel,
    queue: &str,
    body: &[u8],
    properties: BasicProperties,
) -> Result<(), LinkError> {
    let confirm = publish(channel, "", queue, body, properties);
    match within(TIMEOUT, confirm).await? {
        Confirmation::Ack(None) => Ok(()),
        _ => Err(LinkError::Unconfirmed),
    }
}
