//! Going through a dead-letter queue, the oldest message first. What is not acknowledged stays there, in its order.
//!
//! Messages are not got one by one: to RabbitMQ each of those that are held then is of a consumer of its own. When the
//! channel ends it gives them back in an order that it does not find again when it reads its log after a restart, if
//! they were more than 32, before 4.1.1. What was acknowledged later is then another message: one is lost, one comes
//! twice. Those of one consumer come back in their order. <https://github.com/rabbitmq/rabbitmq-server/pull/13971>

use std::time::Duration;

use futures::StreamExt;
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};

use crate::broker::{LinkError, within};

const TIMEOUT: Duration = Duration::from_secs(5);
/// What one consumer holds; the broker keeps the others. The longest event has 128 KiB, most have less than one.
const HELD: u16 = 256;

/// The messages that are there when it begins. None that was seen comes back before it ends, and what is put there
/// meanwhile comes behind them.
pub(crate) struct Walk<'a> {
    connection: &'a Connection,
    channel: &'a Channel,
    queue: &'a str,
    /// Got, which is how the broker says exactly how many more there are.
    first: Option<BasicGetMessage>,
    left: u32,
    /// All hold messages; the last one gets more.
    consumers: Vec<(Channel, Consumer)>,
    /// How many more the last one can hold.
    room: u16,
}

impl<'a> Walk<'a> {
    pub(crate) async fn begin(
        connection: &'a Connection,
        channel: &'a Channel,
        queue: &'a str,
    ) -> Result<Self, LinkError> {
        let first = get(channel, queue).await?;

        Ok(Self {
            connection,
            channel,
            queue,
            left: first.as_ref().map_or(0, |first| first.message_count),
            first,
            consumers: Vec::new(),
            room: 0,
        })
    }

    /// The next message, to be acknowledged or else said to stay.
    pub(crate) async fn next(&mut self) -> Result<Option<Delivery>, LinkError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first.delivery));
        }
        if self.left == 0 {
            return Ok(None);
        }
        if self.room == 0 {
            let consumer = self.consume().await?;
            self.consumers.push(consumer);
            self.room = HELD;
        }
        let Some((_, consumer)) = self.consumers.last_mut() else {
            return Ok(None);
        };
        match tokio::time::timeout(TIMEOUT, consumer.next()).await {
            Ok(delivery) => {
                self.left -= 1;
                Ok(Some(delivery.ok_or(LinkError::Cancelled)??))
            }
            // Somebody else may have taken the rest.
            Err(_) => match get(self.channel, self.queue).await? {
                None => Ok(None),
                Some(_) => Err(LinkError::Timeout(TIMEOUT)),
            },
        }
    }

    /// The message that was seen last stays.
    pub(crate) fn stays(&mut self) {
        self.room = self.room.saturating_sub(1);
    }

    /// Gives back what stays, the oldest first.
    pub(crate) async fn end(self) -> Result<(), LinkError> {
        // It has room, and would be sent what the others give back.
        if let Some((channel, consumer)) = self.consumers.last() {
            let cancelled = channel.basic_cancel(consumer.tag(), BasicCancelOptions::default());
            within(TIMEOUT, cancelled).await?;
        }
        let channels = self.consumers.iter().map(|(channel, _)| channel);
        for channel in [self.channel].into_iter().chain(channels) {
            within(TIMEOUT, channel.close(200, "OK".into())).await?;
        }

        Ok(())
    }

    async fn consume(&self) -> Result<(Channel, Consumer), LinkError> {
        let open = async {
            let channel = self.connection.create_channel().await?;
            channel.basic_qos(HELD, BasicQosOptions::default()).await?;
            let consumer = channel.basic_consume(
                self.queue.into(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            );
            let consumer = consumer.await?;
            Ok((channel, consumer))
        };

        within(TIMEOUT, open).await
    }
}

async fn get(channel: &Channel, queue: &str) -> Result<Option<BasicGetMessage>, LinkError> {
    let got = channel.basic_get(queue.into(), BasicGetOptions::default());

    within(TIMEOUT, got).await
}
