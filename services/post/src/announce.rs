//! Announcing what happened to posts, off the request's path.
//!
//! An announcement waits in memory until the broker confirms it, so a broker that is away costs a request nothing.
//! What still waits when the process is killed is lost, and what finds the queue full is lost at once; both are logged.

use std::time::Duration;

use bus::{PublishError, Publisher};
use events::{Envelope, Event, Origin, PostCreated, PostDeleted};
use futures::StreamExt;
use jiff::Timestamp;
use prometheus::IntGauge;
use service_kit::RequestContext;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::post::Id;
use crate::store::Stored;

/// Some 30 KB each at the most.
const MAX_WAITING: usize = 1000;
const MAX_AT_ONCE: usize = 64;
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// At the end of the process, what waits may take so long.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);

/// Takes announcements.
#[derive(Clone)]
pub struct Announcer {
    sender: mpsc::Sender<Announcement>,
    waiting: IntGauge,
    finish: CancellationToken,
}

/// The other end: announcements on their way.
pub struct Announcements {
    receiver: mpsc::Receiver<Announcement>,
    waiting: IntGauge,
    finish: CancellationToken,
}

enum Announcement {
    Created(Envelope<PostCreated>),
    Deleted(Envelope<PostDeleted>),
}

pub fn channel() -> (Announcer, Announcements) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    let waiting = IntGauge::new("events_waiting", "Events that are not confirmed yet.")
        .expect("the name above is valid");
    let finish = CancellationToken::new();

    (
        Announcer {
            sender,
            waiting: waiting.clone(),
            finish: finish.clone(),
        },
        Announcements {
            receiver,
            waiting,
            finish,
        },
    )
}

impl Announcer {
    pub fn created(&self, stored: &Stored, context: RequestContext) {
        let post = &stored.post;
        let event = PostCreated {
            post_id: post.id.to_string(),
            user_id: post.user.to_string(),
            content: post.content.clone(),
            media_ids: texts(&post.media_ids),
            created_at: post.created_at,
            version: stored.version,
        };
        self.announce(Announcement::Created(envelope(event, context)), &post.id);
    }

    /// `stored` is the post as it was.
    pub fn deleted(&self, stored: &Stored, context: RequestContext) {
        let post = &stored.post;
        let event = PostDeleted {
            post_id: post.id.to_string(),
            user_id: post.user.to_string(),
            media_ids: texts(&post.media_ids),
            version: stored.version.saturating_add(1),
        };
        self.announce(Announcement::Deleted(envelope(event, context)), &post.id);
    }

    /// How many announcements wait, as a metric.
    pub fn waiting(&self) -> IntGauge {
        self.waiting.clone()
    }

    /// Takes no more; what waits is still announced.
    pub fn finish(&self) {
        self.finish.cancel();
    }

    fn announce(&self, announcement: Announcement, post: &Id) {
        self.waiting.inc();
        if let Err(error) = self.sender.try_send(announcement) {
            self.waiting.dec();
            tracing::error!(
                post.id = %post,
                error = &error.to_string(),
                "an event is lost, too many wait"
            );
        }
    }
}

impl Announcements {
    /// Publishes until [`Announcer::finish`], and then what is left, for 5 s at the most.
    pub async fn publish(self, publisher: Publisher) {
        let Self {
            receiver,
            waiting,
            finish,
        } = self;
        let queue = futures::stream::unfold(receiver, |mut receiver| async {
            let next = tokio::select! {
                biased;
                next = receiver.recv() => next?,
                () = finish.cancelled() => return None,
            };
            Some((next, receiver))
        });
        let publishing = queue.for_each_concurrent(MAX_AT_ONCE, async |announcement| {
            match announcement {
                Announcement::Created(envelope) => until_published(&publisher, &envelope).await,
                Announcement::Deleted(envelope) => until_published(&publisher, &envelope).await,
            }
            waiting.dec();
        });
        let too_late = async {
            finish.cancelled().await;
            tokio::time::sleep(FINISH_TIMEOUT).await;
        };

        tokio::select! {
            () = publishing => {}
            () = too_late => {
                tracing::error!(events.lost = waiting.get(), "events are lost, RabbitMQ is away");
            }
        }
    }
}

async fn until_published<E: Event>(publisher: &Publisher, envelope: &Envelope<E>) {
    let mut delay = FIRST_DELAY;
    loop {
        match publisher.publish(envelope).await {
            Ok(()) => return,
            Err(error @ PublishError::Unwritable(_)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "an event is lost");
                return;
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                event.id = %envelope.id,
                "an event was not confirmed, trying again"
            ),
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

fn envelope<E: Event>(event: E, context: RequestContext) -> Envelope<E> {
    let origin = Origin {
        request_id: context.request_id,
        traceparent: context.traceparent,
    };

    Envelope::new(event, Timestamp::now(), origin)
}

fn texts(ids: &[Id]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
