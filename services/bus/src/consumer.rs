//! Following a queue for as long as the service lives.

use std::pin::pin;
use std::time::{Duration, Instant};

use faults::Bug;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection};
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, LinkError, close};
use crate::grave::Grave;
use crate::handle::handle;
use crate::link::Link;
use crate::retry::Backoff;
use crate::{Failure, Message, Queue};

/// How long the events in hand may take once the service is asked to stop.
const FINISH_TIMEOUT: Duration = Duration::from_secs(10);

/// Follows one queue.
#[derive(Clone)]
pub struct Consumer {
    broker: Broker,
    queue: Queue,
    link: Link,
    handled: IntCounterVec,
    redelivered: IntCounter,
    dead: IntGauge,
}

impl Consumer {
    /// Nothing happens until [`Consumer::run`].
    pub fn new(broker: &Broker, queue: Queue) -> Self {
        let handled = IntCounterVec::new(
            Opts::new("events_handled_total", "Events handled, by result."),
            &["type", "result"],
        );

        Self {
            broker: broker.clone(),
            queue,
            link: Link::new(
                "events_consumer_connected",
                "Whether events are followed over a connection to RabbitMQ.",
            ),
            handled: handled.expect("the name and labels above are valid"),
            redelivered: IntCounter::new(
                "events_redelivered_total",
                "Events that were delivered before, perhaps to another process.",
            )
            .expect("the name above is valid"),
            dead: IntGauge::new(
                "events_dead_letters",
                "Events in the dead-letter queue, for somebody to look at.",
            )
            .expect("the name above is valid"),
        }
    }

    /// For `/readyz`: the reason while the queue has not been followed at all.
    pub fn ready(&self) -> Result<(), String> {
        self.link.ready()
    }

    /// Whether there is a connection, as a metric.
    pub fn connected(&self) -> IntGauge {
        self.link.connected()
    }

    /// Events by type and result, as a metric.
    pub fn handled(&self) -> IntCounterVec {
        self.handled.clone()
    }

    /// Events that were delivered before, as a metric.
    pub fn redelivered(&self) -> IntCounter {
        self.redelivered.clone()
    }

    /// How many events are put aside, as a metric: anything but 0 is for somebody to look at.
    pub fn dead_letters(&self) -> IntGauge {
        self.dead.clone()
    }

    /// Gives every event to `handler`, several at once and in no order, until `shutdown`; then finishes what runs and
    /// hands the rest back. An event is acknowledged when its handler succeeds; [`Failure`] says what becomes of it
    /// otherwise. Delivery is at least once: a handler may see an event again and must not mind.
    pub async fn run<H, F>(self, handler: H, shutdown: CancellationToken)
    where
        H: Fn(Message) -> F + Send + Sync,
        F: Future<Output = Result<(), Failure>> + Send,
    {
        let mut backoff = Backoff::default();
        loop {
            let started = Instant::now();
            match self.follow(&handler, &shutdown).await {
                Ok(()) => return,
                Err(error) => self.link.down(&error),
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.next_after(started.elapsed())) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// One connection's life. It ends well only with `shutdown`.
    async fn follow<H, F>(&self, handler: &H, shutdown: &CancellationToken) -> Result<(), LinkError>
    where
        H: Fn(Message) -> F + Send + Sync,
        F: Future<Output = Result<(), Failure>> + Send,
    {
        let (connection, channel, mut deliveries) = tokio::select! {
            subscribed = self.subscribe() => subscribed?,
            () = shutdown.cancelled() => return Ok(()),
        };
        self.link.up();

        let grave = Grave::new(&self.broker, self.queue);
        let mut counting = pin!(grave.keep_counting(&self.dead));
        let mut running = FuturesUnordered::new();
        let end = loop {
            tokio::select! {
                delivery = deliveries.next() => match delivery {
                    Some(Ok(delivery)) => {
                        running.push(self.settle(handler, delivery, &grave, shutdown));
                    }
                    Some(Err(error)) => break Err(error.into()),
                    None if faults::has(Bug::LostCancel) => std::future::pending().await,
                    None => break Err(LinkError::Cancelled),
                },
                Some(()) = running.next() => {}
                () = &mut counting => {}
                () = shutdown.cancelled() => break Ok(()),
            }
        };
        if end.is_ok() {
            let finish = async {
                cancel(&channel, deliveries.tag()).await;
                while running.next().await.is_some() {}
            };
            if tokio::time::timeout(FINISH_TIMEOUT, finish).await.is_err() {
                tracing::warn!("events were still being handled when the time to finish was over");
            }
        }
        // What was delivered and not acknowledged goes back to the queue.
        close(&connection).await;

        end
    }

    async fn subscribe(&self) -> Result<(Connection, Channel, lapin::Consumer), LinkError> {
        let queue = self.broker.topology().queue(self.queue);

        self.broker
            .connect(async |channel| {
                let qos = channel.basic_qos(self.queue.prefetch(), BasicQosOptions::default());
                let deliveries = channel.basic_consume(
                    queue.into(),
                    "".into(),
                    BasicConsumeOptions::default(),
                    FieldTable::default(),
                );
                // In this order: a prefetch is for consumers that come after it.
                let ((), deliveries) = futures::try_join!(qos, deliveries)?;
                Ok(deliveries)
            })
            .await
    }

    async fn settle<H, F>(
        &self,
        handler: &H,
        delivery: Delivery,
        grave: &Grave,
        shutdown: &CancellationToken,
    ) where
        H: Fn(Message) -> F + Send + Sync,
        F: Future<Output = Result<(), Failure>> + Send,
    {
        // The type is the sender's text; as a label it is taken only from what the queue is bound to.
        let said = delivery.properties.kind().as_ref().map(ShortString::as_str);
        let key = delivery.routing_key.as_str();
        let mut kinds = self.queue.event_types().iter();
        let kind = kinds
            .find(|kind| **kind == key || Some(**kind) == said)
            .unwrap_or(&"unknown");
        if delivery.redelivered {
            self.redelivered.inc();
        }
        let verdict = handle(handler, delivery, grave, shutdown).await;
        self.handled
            .with_label_values(&[kind, verdict.label()])
            .inc();
    }
}

async fn cancel(channel: &Channel, tag: ShortString) {
    let cancelled = channel
        .basic_cancel(tag, BasicCancelOptions::default())
        .await;
    if let Err(error) = cancelled {
        tracing::debug!(%error, "the subscription had ended already");
    }
}
