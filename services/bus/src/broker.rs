//! One connection to RabbitMQ, made with bounds on time and memory.

use std::sync::Arc;
use std::time::Duration;

use faults::{Bug, Point};
use futures::StreamExt;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Event};
use secrecy::ExposeSecret;

use crate::topology::Topology;
use crate::{BusConfig, ConfigError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A peer that is silent for twice this long is gone.
const HEARTBEAT_SECONDS: u16 = 10;
/// lapin keeps two buffers of 32 frames for each connection; the broker's own maximum would make that 8 MiB.
const FRAME_BYTES: u32 = 16 * 1024;

/// Which broker, and which names on it.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    uri: AMQPUri,
    topology: Topology,
    service: String,
}

/// There is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("RabbitMQ did not answer within {0:?}")]
    Timeout(Duration),

    #[error(transparent)]
    Amqp(#[from] lapin::Error),

    #[error("the connection to RabbitMQ has ended")]
    Gone,

    #[error("RabbitMQ ended the subscription")]
    Cancelled,

    #[error("RabbitMQ did not confirm what was published")]
    Unconfirmed,
}

impl Broker {
    /// Nothing is asked of the broker yet: it may be away and come later. `service` is the name it sees.
    pub fn new(config: &BusConfig, service: &str) -> Result<Self, ConfigError> {
        let mut uri: AMQPUri = config
            .rabbitmq_url
            .expose_secret()
            .parse()
            .map_err(|_| ConfigError::Url)?;
        if uri.scheme != AMQPScheme::AMQP {
            return Err(ConfigError::Url);
        }
        uri.query.heartbeat = Some(HEARTBEAT_SECONDS);
        uri.query.frame_max = Some(FRAME_BYTES);
        uri.query.connection_timeout =
            Some(u64::try_from(CONNECT_TIMEOUT.as_millis()).unwrap_or(u64::MAX));

        Ok(Self(Arc::new(Inner {
            uri,
            topology: Topology::new(&config.events_namespace),
            service: service.to_owned(),
        })))
    }

    pub(crate) fn topology(&self) -> &Topology {
        &self.0.topology
    }

    /// The name of the service, as the broker sees it.
    pub(crate) fn service(&self) -> &str {
        &self.0.service
    }

    /// A connection and a channel on it, with the whole topology declared and `begin` done on the channel.
    pub(crate) async fn connect<T>(
        &self,
        begin: impl AsyncFnOnce(&Channel) -> lapin::Result<T>,
    ) -> Result<(Connection, Channel, T), LinkError> {
        let open = async {
            let properties = ConnectionProperties::default()
                .with_connection_name(self.0.service.as_str().into());
            let connection = Connection::connect_uri(self.0.uri.clone(), properties).await?;
            let channel = connection.create_channel().await?;
            // Polled in this order, so sent in this order; see `Topology::declare`.
            let ((), begun) =
                futures::try_join!(self.0.topology.declare(&channel), begin(&channel))?;
            Ok::<_, lapin::Error>((connection, channel, begun))
        };

        within(CONNECT_TIMEOUT, open).await
    }

    /// The same with the channel in confirm mode, to publish over.
    pub(crate) async fn connect_to_publish(&self) -> Result<(Connection, Channel), LinkError> {
        let connected = self.connect(async |channel| {
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await
        });
        let (connection, channel, ()) = connected.await?;

        Ok((connection, channel))
    }
}

/// What RabbitMQ answers in time.
pub(crate) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = lapin::Result<T>>,
) -> Result<T, LinkError> {
    Ok(tokio::time::timeout(limit, answer)
        .await
        .map_err(|_| LinkError::Timeout(limit))??)
}

/// Sends a message that has to find a queue, over a channel in confirm mode, and waits for the confirm.
pub(crate) async fn publish(
    channel: &Channel,
    exchange: &str,
    key: &str,
    body: &[u8],
    properties: BasicProperties,
) -> lapin::Result<Confirmation> {
    let options = BasicPublishOptions {
        mandatory: !faults::has(Bug::NotMandatory),
        ..Default::default()
    };
    let confirm = channel
        .basic_publish(exchange.into(), key.into(), options, body, properties)
        .await?;
    faults::passes(Point::Published);
    if faults::has(Bug::NoConfirm) {
        return Ok(Confirmation::Ack(None));
    }

    confirm.await
}

/// Waits until the connection is lost.
pub(crate) async fn lost(connection: &Connection) -> LinkError {
    let mut events = connection.events_listener();
    // Asked after listening began, so that no loss goes unseen in between.
    if !connection.status().connected() {
        return LinkError::Gone;
    }
    while let Some(event) = events.next().await {
        if let Event::Error(error) = event {
            return error.into();
        }
    }

    LinkError::Gone
}

/// Says goodbye; a broker that is gone does not answer, and need not.
pub(crate) async fn close(connection: &Connection) {
    let goodbye = connection.close(200, "OK".into());
    match tokio::time::timeout(CLOSE_TIMEOUT, goodbye).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the connection to RabbitMQ had ended already"),
        Err(_) => tracing::debug!("RabbitMQ did not answer the end of the connection"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(url: &str) -> Result<Broker, ConfigError> {
        let config = BusConfig {
            rabbitmq_url: url.into(),
            events_namespace: "social".to_owned(),
        };
        Broker::new(&config, "sample")
    }

    #[test]
    fn an_address_without_tls_is_accepted() {
        assert!(broker("amqp://a:b@localhost:5672/%2f").is_ok());
    }

    #[test]
    fn other_addresses_are_refused() {
        for url in ["", "localhost", "http://localhost", "amqps://localhost"] {
            assert!(matches!(broker(url), Err(ConfigError::Url)), "{url}");
        }
    }
}
