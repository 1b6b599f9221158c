//! The dead-letter queue of a queue, as the one who follows that queue sees it.

use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};

use crate::broker::LinkError;

/// Why a message is there: a header of dead letters.
pub(crate) const REASON: &str = "x-reason";
const MAX_REASON_CHARS: usize = 500;
const TIMEOUT: Duration = Duration::from_secs(2);

/// A channel of its own to a dead-letter queue.
pub(crate) struct Grave {
    channel: Channel,
    queue: String,
}

impl Grave {
    pub(crate) async fn open(connection: &Connection, queue: String) -> Result<Self, LinkError> {
        let open = async {
            let channel = connection.create_channel().await?;
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await?;
            Ok::<_, lapin::Error>(channel)
        };
        let channel = tokio::time::timeout(TIMEOUT, open)
            .await
            .map_err(|_| LinkError::Timeout)??;

        Ok(Self { channel, queue })
    }

    /// Puts a copy of a message there that says why; waits for the broker's confirm.
    pub(crate) async fn put(
        &self,
        body: &[u8],
        properties: BasicProperties,
        reason: &str,
    ) -> Result<(), LinkError> {
        let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
        let mut headers = properties.headers().clone().unwrap_or_default();
        headers.insert(
            ShortString::from(REASON),
            AMQPValue::LongString(LongString::from(reason)),
        );

        publish_to(
            &self.channel,
            &self.queue,
            body,
            properties.with_headers(headers),
        )
        .await
    }

    /// How many messages are there.
    pub(crate) async fn count(&self) -> Result<u32, LinkError> {
        let options = QueueDeclareOptions {
            passive: true,
            ..Default::default()
        };
        let declared =
            self.channel
                .queue_declare(self.queue.as_str().into(), options, FieldTable::default());
        let declared = tokio::time::timeout(TIMEOUT, declared)
            .await
            .map_err(|_| LinkError::Timeout)??;

        Ok(declared.message_count())
    }
}

/// Puts a message into one queue, and waits for the broker's confirm.
pub(crate) async fn publish_to(
    channel: &Channel,
    queue: &str,
    body: &[u8],
    properties: BasicProperties,
) -> Result<(), LinkError> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..Default::default()
    };
    let publish = async {
        let sent = channel.basic_publish("".into(), queue.into(), options, body, properties);
        sent.await?.await
    };
    match tokio::time::timeout(TIMEOUT, publish).await {
        Ok(Ok(Confirmation::Ack(None))) => Ok(()),
        Ok(Ok(_)) => Err(LinkError::Unconfirmed),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(LinkError::Timeout),
    }
}
