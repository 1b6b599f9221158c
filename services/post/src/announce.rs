//! Announcing what happened to posts, off the request's path.
//!
//! An announcement waits in memory until the broker confirms it, so a broker that is away costs a request nothing.
//! What waits in a process that is killed is lost, and so is what finds no room.

use std::sync::Arc;
use std::time::Duration;

use bus::{PublishError, Publisher};
use events::{Envelope, Event, Origin, PostCreated, PostDeleted, PostUpdated};
use futures::StreamExt;
use jiff::Timestamp;
use prometheus::IntGauge;
use service_kit::RequestContext;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::post::{Id, Post};
use crate::store::Stored;

/// What may wait: some 10,000 short posts, or 700 of the longest.
const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;
/// What an announcement takes beside its post's text.
const BYTES_EACH: usize = 1024;
const MAX_AT_ONCE: usize = 64;
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// At the end of the process, what waits may take so long.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);

/// Takes announcements.
#[derive(Clone)]
pub struct Announcer {
    sender: mpsc::UnboundedSender<(Announcement, OwnedSemaphorePermit)>,
    /// Bounds the channel: an announcement holds its share until it is confirmed.
    room: Arc<Semaphore>,
    waiting: IntGauge,
    finish: CancellationToken,
}

/// The other end: announcements on their way.
pub struct Announcements {
    receiver: mpsc::UnboundedReceiver<(Announcement, OwnedSemaphorePermit)>,
    waiting: IntGauge,
    finish: CancellationToken,
}

enum Announcement {
    Created(Envelope<PostCreated>),
    Updated(Envelope<PostUpdated>),
    Deleted(Envelope<PostDeleted>),
}

pub fn channel() -> (Announcer, Announcements) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = IntGauge::new("events_waiting", "Events that are not confirmed yet.")
        .expect("the name above is valid");
    let finish = CancellationToken::new();

    (
        Announcer {
            sender,
            room: Arc::new(Semaphore::new(MAX_WAITING_BYTES)),
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
        let announcement = Announcement::Created(envelope(event, context));
        self.announce(announcement, BYTES_EACH + post.content.len(), post.id);
    }

    pub fn updated(&self, stored: &Stored, context: RequestContext) {
        let post = &stored.post;
        let event = PostUpdated {
            post_id: post.id.to_string(),
            user_id: post.user.to_string(),
            content: post.content.clone(),
            media_ids: texts(&post.media_ids),
            created_at: post.created_at,
            updated_at: post.updated_at,
            version: stored.version,
        };
        let announcement = Announcement::Updated(envelope(event, context));
        self.announce(announcement, BYTES_EACH + post.content.len(), post.id);
    }

    /// `stored` is the post as it was.
    pub fn deleted(&self, stored: &Stored, context: RequestContext) {
        let event = deleted(&stored.post, stored.version.saturating_add(1));
        let announcement = Announcement::Deleted(envelope(event, context));
        self.announce(announcement, BYTES_EACH, stored.post.id);
    }

    /// How many announcements wait, as a metric.
    pub fn waiting(&self) -> IntGauge {
        self.waiting.clone()
    }

    /// Takes no more; what waits is still announced.
    pub fn finish(&self) {
        self.finish.cancel();
    }

    fn announce(&self, announcement: Announcement, bytes: usize, post: Id) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(room) = self.room.clone().try_acquire_many_owned(bytes) else {
            tracing::error!(post.id = %post, "an event is lost, too many wait");
            return;
        };
        self.waiting.inc();
        if self.sender.send((announcement, room)).is_err() {
            self.waiting.dec();
            tracing::error!(post.id = %post, "an event is lost, the process is about to end");
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
        let publishing = queue.for_each_concurrent(MAX_AT_ONCE, async |(announcement, _room)| {
            match announcement {
                Announcement::Created(envelope) => until_published(&publisher, &envelope).await,
                Announcement::Updated(envelope) => until_published(&publisher, &envelope).await,
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
            // Waiting for a connection is normal, and `bus` says once that there is none.
            Err(error @ PublishError::NotSent) => tracing::debug!(%error, "an event waits"),
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

/// What is announced of a post that is gone; `version` counts its end as a change.
pub fn deleted(post: &Post, version: u64) -> PostDeleted {
    PostDeleted {
        post_id: post.id.to_string(),
        user_id: post.user.to_string(),
        media_ids: texts(&post.media_ids),
        version,
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
