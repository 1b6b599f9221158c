//! What the broker carries for somebody who does nothing else: as many events of the same size, through the same crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bus::{Broker, BusConfig, Consumer, Failure, Message, Publisher, Queue};
use events::{Envelope, Origin, PostCreated};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use mongodb::bson::DateTime;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::BACKLOG;
use crate::posts::{REQUEST_ID, TRACEPARENT};
use crate::report::Flow;
use crate::rows::{BARE_FOLLOWED, BARE_PUBLISHED};
use crate::stores::Stores;
use crate::wait::{PATIENCE, until};
use crate::words::Words;

/// As many events at once as the post service publishes.
const AT_ONCE: usize = 64;
/// Before an event that was not confirmed is sent again.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

pub struct Bare {
    pub published: Flow,
    pub followed: Flow,
}

/// First all of them are published, then all of them followed, as before and after an outage.
pub async fn measure(stores: &Stores, words: &mut Words) -> Result<Bare> {
    let config = BusConfig {
        rabbitmq_url: stores.rabbitmq_url.as_str().into(),
        // The services hear nothing of it. Events go to two queues there too.
        events_namespace: test_kit::events_namespace(),
    };
    let broker = Broker::new(&config, "bench")?;
    let events = events(words)?;

    eprintln!("    {BARE_PUBLISHED}");
    let published = publish(&broker, &events).await?;
    eprintln!("    {BARE_FOLLOWED}");
    let followed = follow(&broker).await?;

    Ok(Bare {
        published: Flow::new(BARE_PUBLISHED, BACKLOG, published),
        followed: Flow::new(BARE_FOLLOWED, BACKLOG, followed),
    })
}

/// Of posts as the other posts are: without files, their times in milliseconds.
fn events(words: &mut Words) -> Result<Vec<Envelope<PostCreated>>> {
    let now = Timestamp::from_millisecond(DateTime::now().timestamp_millis())?;
    let origin = Origin {
        request_id: REQUEST_ID.to_owned(),
        traceparent: TRACEPARENT.to_owned(),
    };
    let events = (0..BACKLOG).map(|_| {
        let post = PostCreated {
            post_id: test_kit::object_id(),
            user_id: test_kit::object_id(),
            content: words.post(),
            media_ids: Vec::new(),
            created_at: now,
            version: 1,
        };
        Envelope::new(post, now, origin.clone())
    });

    Ok(events.collect())
}

async fn publish(broker: &Broker, events: &[Envelope<PostCreated>]) -> Result<Duration> {
    let publisher = Publisher::start(broker);
    until("the publisher is connected", async || {
        Ok(publisher.is_connected())
    })
    .await?;
    let started = Instant::now();
    stream::iter(events)
        .map(|event| until_confirmed(&publisher, event))
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| std::future::ready(Ok(())))
        .await?;

    Ok(started.elapsed())
}

async fn until_confirmed(publisher: &Publisher, event: &Envelope<PostCreated>) -> Result<()> {
    let started = Instant::now();
    loop {
        match publisher.publish(event).await {
            Ok(()) => return Ok(()),
            Err(error) if started.elapsed() > PATIENCE => {
                return Err(error).context("RabbitMQ does not take an event");
            }
            Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
        }
    }
}

async fn follow(broker: &Broker) -> Result<Duration> {
    let (all, stop) = (CancellationToken::new(), CancellationToken::new());
    let (handled, last) = (Arc::new(AtomicU64::new(0)), all.clone());
    let count = handled.clone();
    let handler = move |_: Message| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == BACKLOG {
            last.cancel();
        }
        std::future::ready(Ok::<_, Failure>(()))
    };
    let consumer = Consumer::new(broker, Queue::SearchPosts);
    let started = Instant::now();
    let following = tokio::spawn(consumer.run(handler, stop.clone()));
    let waited = timeout(PATIENCE, all.cancelled()).await;
    let took = started.elapsed();
    stop.cancel();
    following.await?;
    waited.with_context(|| {
        let handled = handled.load(Ordering::Relaxed);
        format!("{handled} of {BACKLOG} events arrived within {PATIENCE:?}")
    })?;

    Ok(took)
}
