//! A namespace of the test's own, and a look behind the API.

use std::time::Duration;

use bus::{Broker, BusConfig, Consumer, Failure, Message, PublishError, Publisher, Queue};
use events::{Envelope, Origin, PostDeleted};
use jiff::Timestamp;
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The longest a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

pub struct Stage {
    pub config: BusConfig,
    pub broker: Broker,
    /// A connection beside the ones under test.
    pub channel: Channel,
    _connection: Connection,
}

/// A consumer at work. It stops when this is dropped.
pub struct Following {
    pub consumer: Consumer,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Stage {
    pub async fn new() -> Self {
        Self::at(&test_kit::rabbitmq_url()).await
    }

    /// What is tested talks to `url`; the look behind goes to the broker itself.
    pub async fn at(url: &str) -> Self {
        let direct = test_kit::rabbitmq_url();
        let connection = Connection::connect(&direct, ConnectionProperties::default())
            .await
            .expect("the broker answers");
        let channel = connection.create_channel().await.expect("a channel");
        let config = BusConfig {
            rabbitmq_url: url.into(),
            events_namespace: test_kit::events_namespace(),
        };

        Self {
            broker: Broker::new(&config, "test").expect("a connection string"),
            config,
            channel,
            _connection: connection,
        }
    }

    pub fn follow<H, F>(&self, handler: H) -> Following
    where
        H: Fn(Message) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let consumer = Consumer::new(&self.broker, Queue::SearchPosts);
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(consumer.clone().run(handler, shutdown.clone()));

        Following {
            consumer,
            shutdown,
            task,
        }
    }

    /// Follows the queue and passes every event on.
    pub fn record(&self) -> (Following, mpsc::UnboundedReceiver<Message>) {
        let (sender, received) = mpsc::unbounded_channel();
        let following = self.follow(move |message| {
            let sender = sender.clone();
            async move { Ok(sender.send(message)?) }
        });

        (following, received)
    }

    pub async fn publish_bytes(&self, routing_key: &str, body: &[u8]) {
        let exchange = format!("{}.events", self.config.events_namespace);
        let options = BasicPublishOptions::default();
        self.channel
            .basic_publish(
                exchange.into(),
                routing_key.into(),
                options,
                body,
                BasicProperties::default(),
            )
            .await
            .expect("sent");
    }

    /// Puts what is no event straight among the dead letters, and waits until it is there.
    pub async fn put_dead_letter(&self, id: &str) {
        let select = self.channel.confirm_select(ConfirmSelectOptions::default());
        select.await.expect("confirms are given");
        let confirm = self.channel.basic_publish(
            "".into(),
            format!("{}.dead", self.queue()).into(),
            BasicPublishOptions::default(),
            b"no event",
            BasicProperties::default().with_message_id(id.into()),
        );
        let confirm = confirm.await.expect("sent").await.expect("an answer");
        assert_eq!(confirm, Confirmation::Ack(None));
    }

    pub fn queue(&self) -> String {
        format!("{}.search.posts", self.config.events_namespace)
    }

    /// How many events wait in the queue.
    pub async fn waiting(&self) -> u32 {
        let options = QueueDeclareOptions {
            passive: true,
            ..Default::default()
        };
        self.channel
            .queue_declare(self.queue().into(), options, FieldTable::default())
            .await
            .expect("the queue exists")
            .message_count()
    }

    /// The next message of the dead-letter queue, and why it is there.
    pub async fn dead_letter(&self) -> (Vec<u8>, String) {
        let queue = format!("{}.dead", self.queue());
        let options = BasicGetOptions { no_ack: true };
        let next = async {
            loop {
                let got = self.channel.basic_get(queue.clone().into(), options).await;
                if let Some(message) = got.expect("the queue exists") {
                    let delivery = message.delivery;
                    return (delivery.data, reason(&delivery.properties));
                }
                tokio::time::sleep(POLL).await;
            }
        };

        tokio::time::timeout(PATIENCE, next)
            .await
            .expect("a dead letter")
    }
}

fn reason(properties: &BasicProperties) -> String {
    let headers = properties.headers().clone().unwrap_or_default();
    match headers.inner().get("x-reason") {
        Some(AMQPValue::LongString(reason)) => reason.to_string(),
        other => panic!("no reason: {other:?}"),
    }
}

impl Following {
    pub async fn ready(&self) {
        wait_until("the queue is followed", || self.consumer.ready().is_ok()).await;
    }

    pub fn ask_to_stop(&self) {
        self.shutdown.cancel();
    }

    pub async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.task).await.expect("the consumer ended well");
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "not yet: {what}");
        tokio::time::sleep(POLL).await;
    }
}

pub async fn next(received: &mut mpsc::UnboundedReceiver<Message>) -> Message {
    tokio::time::timeout(PATIENCE, received.recv())
        .await
        .expect("an event arrives")
        .expect("the consumer runs")
}

/// A publisher that has its connection.
pub async fn publisher(broker: &Broker) -> Publisher {
    let publisher = Publisher::start(broker);
    wait_until("the publisher is connected", || publisher.ready().is_ok()).await;
    publisher
}

/// Publishes until it is confirmed, as whoever must not lose an event does.
pub async fn publish_until_ok(publisher: &Publisher, envelope: &Envelope<PostDeleted>) {
    let publish = async {
        loop {
            match publisher.publish(envelope).await {
                Ok(()) => return,
                Err(PublishError::Unwritable(error)) => panic!("{error}"),
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, publish)
        .await
        .expect("the event is confirmed");
}

pub fn envelope() -> Envelope<PostDeleted> {
    let data = PostDeleted {
        post_id: test_kit::object_id(),
        user_id: test_kit::object_id(),
        media_ids: Vec::new(),
        version: 2,
    };
    let origin = Origin {
        request_id: "request-1".to_owned(),
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
    };

    Envelope::new(data, Timestamp::now(), origin)
}
