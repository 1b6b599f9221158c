//! Publishing events, each confirmed by the broker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::{Envelope, Event};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use prometheus::{IntCounterVec, IntGauge, Opts};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::broker::{Broker, LinkError, close, lost, publish};
use crate::link::Link;
use crate::message::MAX_EVENT_BYTES;
use crate::retry::Backoff;

/// From the call to the confirm, waiting for a connection included.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(2);
/// Events that are sent and not confirmed yet.
const MAX_IN_FLIGHT: usize = 128;
/// `delivery_mode`: the broker writes the message to disk.
const PERSISTENT: u8 = 2;

/// Publishes events over one connection, which is re-made when it is lost. Clones share it; it ends with the last one.
#[derive(Clone)]
pub struct Publisher(Arc<Inner>);

struct Inner {
    broker: Broker,
    link: Link,
    sessions: watch::Receiver<Option<Session>>,
    in_flight: Semaphore,
    unconfirmed: IntGauge,
    published: IntCounterVec,
    _stop: DropGuard,
}

/// A channel in confirm mode; cancelling `broken` has the connection re-made.
#[derive(Clone)]
struct Session {
    channel: Channel,
    broken: CancellationToken,
}

/// The event was not confirmed. The message says what is known; publishing the same envelope again is always safe.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Nothing was sent.
    #[error("failed to reach RabbitMQ in time, the event was not sent")]
    NotSent,

    /// A queue is full or cannot write.
    #[error("RabbitMQ refused the event")]
    Refused,

    /// A queue was removed; it is declared again with the next connection.
    #[error("RabbitMQ has no queue for the event")]
    Unroutable,

    /// The connection was lost after the event was sent: it may have arrived.
    #[error("failed to hear from RabbitMQ whether the event arrived")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The confirm took too long: the event may have arrived.
    #[error("RabbitMQ did not confirm the event within {PUBLISH_TIMEOUT:?}, it may have arrived")]
    Unconfirmed,

    /// The event cannot be written as JSON.
    #[error("failed to write the event as JSON")]
    Unwritable(#[source] serde_json::Error),

    /// Nobody would read it.
    #[error("the event has {0} bytes, {MAX_EVENT_BYTES} are allowed")]
    TooLong(usize),
}

impl PublishError {
    /// A new one has no half-sent past, and declares the queues that are missing.
    fn asks_for_a_new_connection(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Unconfirmed | Self::Unroutable)
    }

    fn label(&self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Refused | Self::Unroutable => "refused",
            Self::Lost(_) | Self::Unconfirmed => "unknown",
            Self::Unwritable(_) | Self::TooLong(_) => "unwritable",
        }
    }
}

impl Publisher {
    /// Begins to connect in the background, and to declare every queue.
    pub fn start(broker: &Broker) -> Self {
        let link = Link::new(
            "events_publisher_connected",
            "Whether the publisher of events is connected to RabbitMQ.",
        );
        let published = IntCounterVec::new(
            Opts::new("events_published_total", "Events published, by result."),
            &["type", "result"],
        );
        let (sender, sessions) = watch::channel(None);
        let stop = CancellationToken::new();
        tokio::spawn(keep_connected(
            broker.clone(),
            link.clone(),
            sender,
            stop.clone(),
        ));

        Self(Arc::new(Inner {
            broker: broker.clone(),
            link,
            sessions,
            in_flight: Semaphore::new(MAX_IN_FLIGHT),
            unconfirmed: IntGauge::new(
                "events_unconfirmed",
                "Events sent to RabbitMQ and not confirmed yet.",
            )
            .expect("the name above is valid"),
            published: published.expect("the name and labels above are valid"),
            _stop: stop.drop_guard(),
        }))
    }

    /// Sends an event to every queue that is bound to its type, and waits for the broker's confirm: 2 s at most.
    pub async fn publish<E: Event>(&self, envelope: &Envelope<E>) -> Result<(), PublishError> {
        let result = self.send(envelope).await;
        let label = result.as_ref().map_or_else(PublishError::label, |()| "ok");
        self.0.published.with_label_values(&[E::TYPE, label]).inc();

        result
    }

    /// For `/readyz`: the reason while there has been no connection at all.
    pub fn ready(&self) -> Result<(), String> {
        self.0.link.ready()
    }

    /// Whether there is a connection, so that it is worth trying to publish.
    pub fn is_connected(&self) -> bool {
        self.0.sessions.borrow().is_some()
    }

    /// Whether there is a connection, as a metric.
    pub fn connected(&self) -> IntGauge {
        self.0.link.connected()
    }

    /// How many events are sent and not confirmed yet, as a metric.
    pub fn unconfirmed(&self) -> IntGauge {
        self.0.unconfirmed.clone()
    }

    /// Events by type and result, as a metric.
    pub fn published(&self) -> IntCounterVec {
        self.0.published.clone()
    }

    async fn send<E: Event>(&self, envelope: &Envelope<E>) -> Result<(), PublishError> {
        let body = serde_json::to_vec(envelope).map_err(PublishError::Unwritable)?;
        if body.len() > MAX_EVENT_BYTES {
            return Err(PublishError::TooLong(body.len()));
        }
        let properties = self.properties(envelope);
        let deadline = tokio::time::Instant::now() + PUBLISH_TIMEOUT;
        let mut sessions = self.0.sessions.clone();
        let ready = async {
            let slot = self.0.in_flight.acquire().await.ok()?;
            let session = sessions.wait_for(Option::is_some).await.ok()?.clone()?;
            Some((slot, session))
        };
        let (_slot, session) = tokio::time::timeout_at(deadline, ready)
            .await
            .ok()
            .flatten()
            .ok_or(PublishError::NotSent)?;

        let _unconfirmed = Counted::one(&self.0.unconfirmed);
        let exchange = self.0.broker.topology().exchange();
        let sent = session.publish(&exchange, E::TYPE, &body, properties);
        let result = tokio::time::timeout_at(deadline, sent)
            .await
            .unwrap_or(Err(PublishError::Unconfirmed));
        if result
            .as_ref()
            .is_err_and(PublishError::asks_for_a_new_connection)
        {
            session.broken.cancel();
        }

        result
    }

    fn properties<E: Event>(&self, envelope: &Envelope<E>) -> BasicProperties {
        let mut headers = FieldTable::default();
        for (name, value) in [
            ("x-request-id", &envelope.origin.request_id),
            ("traceparent", &envelope.origin.traceparent),
        ] {
            let value = AMQPValue::LongString(value.as_str().into());
            headers.insert(ShortString::from(name), value);
        }

        BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(envelope.id.to_string().into())
            .with_type(E::TYPE.into())
            .with_app_id(self.0.broker.service().into())
            .with_headers(headers)
    }
}

/// One more in a gauge for as long as it lives: who publishes may stop waiting at any time.
struct Counted<'a>(&'a IntGauge);

impl<'a> Counted<'a> {
    fn one(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Session {
    async fn publish(
        &self,
        exchange: &str,
        kind: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<(), PublishError> {
        let confirm = publish(&self.channel, exchange, kind, body, properties).await;
        match confirm.map_err(|error| PublishError::Lost(error.into()))? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) => Err(PublishError::Unroutable),
            Confirmation::Nack(_) | Confirmation::NotRequested => Err(PublishError::Refused),
        }
    }
}

/// Has a session in `sessions` for as long as the broker answers, until `stop`.
async fn keep_connected(
    broker: Broker,
    link: Link,
    sessions: watch::Sender<Option<Session>>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::default();
    loop {
        let started = Instant::now();
        let opened = tokio::select! {
            opened = open(&broker) => opened,
            () = stop.cancelled() => return,
        };
        match opened {
            Ok((connection, session)) => {
                link.up();
                sessions.send_replace(Some(session.clone()));
                let end = tokio::select! {
                    error = lost(&connection) => Some(error),
                    () = session.broken.cancelled() => Some(LinkError::Unconfirmed),
                    () = stop.cancelled() => None,
                };
                sessions.send_replace(None);
                close(&connection).await;
                let Some(error) = end else { return };
                link.down(&error);
            }
            Err(error) => link.down(&error),
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.next_after(started.elapsed())) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn open(broker: &Broker) -> Result<(Connection, Session), LinkError> {
    let (connection, channel) = broker.connect_to_publish().await?;
    let broken = CancellationToken::new();

    Ok((connection, Session { channel, broken }))
}
