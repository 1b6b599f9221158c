//! The only place where exchange and queues have names.
//!
//! Each queue is followed by one service for one purpose and has a dead-letter queue beside it. Publishers declare all
//! of it too, so that what is published before a service's first start waits for it.

use events::{Event, PostCreated, PostDeleted, PostUpdated, UserDeleted};
use futures::future::try_join_all;
use futures::try_join;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

/// An event that is handed back more often than this goes to the dead-letter queue.
pub(crate) const DELIVERY_LIMIT: u32 = 5;
/// What a queue holds at most; beyond it the publisher is refused, and nothing is dropped.
const MAX_QUEUE_BYTES: i64 = 256 * 1024 * 1024;
const MAX_DEAD_BYTES: i64 = 64 * 1024 * 1024;

/// What one service follows for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// The post service removes the posts of deleted accounts.
    PostUsers,
    /// The media service knows which files posts show, and removes those of deleted posts and people.
    MediaPosts,
    /// The search service keeps its copy of posts.
    SearchPosts,
}

impl Queue {
    /// Every queue there is.
    pub const ALL: [Self; 3] = [Self::PostUsers, Self::MediaPosts, Self::SearchPosts];

    /// The types of event the queue receives.
    pub fn event_types(self) -> &'static [&'static str] {
        match self {
            Self::PostUsers => &[UserDeleted::TYPE],
            Self::MediaPosts | Self::SearchPosts => &[
                PostCreated::TYPE,
                PostUpdated::TYPE,
                PostDeleted::TYPE,
                UserDeleted::TYPE,
            ],
        }
    }

    /// How many of its events are handled at once; the broker keeps the others. The longest event has 128 KiB, most have
    /// less than one.
    pub(crate) fn prefetch(self) -> u16 {
        match self {
            // Each may have a hundred thousand posts deleted.
            Self::PostUsers => 16,
            // Enough that what is written together is worth it, and that more is there when it is written.
            Self::MediaPosts | Self::SearchPosts => 256,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::PostUsers => "post.users",
            Self::MediaPosts => "media.posts",
            Self::SearchPosts => "search.posts",
        }
    }
}

/// The names of one platform's exchange and queues.
#[derive(Debug, Clone)]
pub(crate) struct Topology {
    namespace: String,
}

impl Topology {
    pub(crate) fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
        }
    }

    pub(crate) fn exchange(&self) -> String {
        format!("{}.events", self.namespace)
    }

    pub(crate) fn queue(&self, queue: Queue) -> String {
        format!("{}.{}", self.namespace, queue.suffix())
    }

    pub(crate) fn dead_letter_queue(&self, queue: Queue) -> String {
        format!("{}.dead", self.queue(queue))
    }

    /// Makes sure that everything exists. Repeating it changes nothing.
    ///
    /// All of it is sent at once: the broker takes what comes over a channel one after the other, and a way there and
    /// back for each of these questions would be most of a service's start. A question is sent when its future is first
    /// polled, and joined futures are polled in their order.
    pub(crate) async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let options = ExchangeDeclareOptions {
            durable: true,
            ..Default::default()
        };
        let exchange = channel.exchange_declare(
            self.exchange().into(),
            ExchangeKind::Topic,
            options,
            FieldTable::default(),
        );
        let queues = Queue::ALL.map(|queue| self.declare_queue(channel, queue));
        try_join!(exchange, try_join_all(queues))?;

        Ok(())
    }

    async fn declare_queue(&self, channel: &Channel, queue: Queue) -> lapin::Result<()> {
        let options = QueueDeclareOptions {
            durable: true,
            ..Default::default()
        };
        let (name, dead) = (self.queue(queue), self.dead_letter_queue(queue));
        let arguments = queue_arguments(&dead);
        let dead = channel.queue_declare(dead.into(), options, dead_letter_arguments());
        let own = channel.queue_declare(name.clone().into(), options, arguments);
        let bound = queue.event_types().iter().map(|kind| {
            channel.queue_bind(
                name.clone().into(),
                self.exchange().into(),
                (*kind).into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
        });
        try_join!(dead, own, try_join_all(bound))?;

        Ok(())
    }
}

/// Dead-lettering is at least once only with `reject-publish`, and asks for a length limit:
/// <https://www.rabbitmq.com/docs/quorum-queues#dead-lettering>.
fn queue_arguments(dead: &str) -> FieldTable {
    table([
        ("x-queue-type", text("quorum")),
        (
            "x-delivery-limit",
            AMQPValue::LongLongInt(DELIVERY_LIMIT.into()),
        ),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(dead)),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
        (
            "x-max-length-bytes",
            AMQPValue::LongLongInt(MAX_QUEUE_BYTES),
        ),
    ])
}

/// Without a delivery limit, so that looking at a dead letter, however often, never drops it.
fn dead_letter_arguments() -> FieldTable {
    table([
        ("x-queue-type", text("quorum")),
        ("x-delivery-limit", AMQPValue::LongLongInt(-1)),
        ("x-overflow", text("reject-publish")),
        ("x-max-length-bytes", AMQPValue::LongLongInt(MAX_DEAD_BYTES)),
    ])
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert(key.into(), value);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_with_the_namespace() {
        let topology = Topology::new("social");
        let names: Vec<_> = Queue::ALL
            .iter()
            .flat_map(|queue| [topology.queue(*queue), topology.dead_letter_queue(*queue)])
            .collect();

        assert_eq!(topology.exchange(), "social.events");
        assert_eq!(
            names,
            [
                "social.post.users",
                "social.post.users.dead",
                "social.media.posts",
                "social.media.posts.dead",
                "social.search.posts",
                "social.search.posts.dead"
            ]
        );
    }
}
