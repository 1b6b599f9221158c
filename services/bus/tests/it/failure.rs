//! What cannot be handled is tried again, kept, or put aside, but never lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bus::Failure;
use events::PostDeleted;
use tokio::sync::mpsc;

use crate::stage::{Stage, envelope, next, publisher};

#[derive(Debug, thiserror::Error)]
#[error("for the sake of the test")]
struct OnPurpose;

#[tokio::test]
async fn a_failed_event_is_delivered_again() {
    let stage = Stage::new().await;
    let tries = Arc::new(AtomicUsize::new(0));
    let (sender, mut received) = mpsc::unbounded_channel();
    let _following = stage.follow(move |message| {
        let (tries, sender) = (tries.clone(), sender.clone());
        async move {
            match tries.fetch_add(1, Ordering::Relaxed) {
                0 => Err(OnPurpose.into()),
                1 => panic!("for the sake of the test"),
                _ => Ok(sender.send(message)?),
            }
        }
    });
    let sent = envelope();
    publisher(&stage.broker)
        .await
        .publish(&sent)
        .await
        .expect("confirmed");

    assert_eq!(next(&mut received).await.id(), sent.id);
}

#[tokio::test]
async fn an_event_that_always_fails_becomes_a_dead_letter() {
    let stage = Stage::new().await;
    let tries = Arc::new(AtomicUsize::new(0));
    let counter = tries.clone();
    let _following = stage.follow(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        async { Err(OnPurpose.into()) }
    });
    let sent = envelope();
    publisher(&stage.broker)
        .await
        .publish(&sent)
        .await
        .expect("confirmed");

    let (dead, reason) = stage.dead_letter().await;
    assert_eq!(dead, serde_json::to_vec(&sent).expect("JSON"));
    assert_eq!(reason, "for the sake of the test");
    assert_eq!(
        tries.load(Ordering::Relaxed),
        6,
        "once, and five times more"
    );
}

#[tokio::test]
async fn an_event_waits_for_what_is_away_without_being_counted() {
    const AWAY: usize = 4;
    let stage = Stage::new().await;
    let tries = Arc::new(AtomicUsize::new(0));
    let (sender, mut received) = mpsc::unbounded_channel();
    let counter = tries.clone();
    let following = stage.follow(move |message| {
        let (tries, sender) = (counter.clone(), sender.clone());
        async move {
            if tries.fetch_add(1, Ordering::Relaxed) < AWAY {
                return Err(Failure::Unavailable(Box::new(OnPurpose)));
            }
            Ok(sender.send(message)?)
        }
    });
    publisher(&stage.broker)
        .await
        .publish(&envelope())
        .await
        .expect("confirmed");
    next(&mut received).await;
    following.ask_to_stop();
    let handled = following.consumer.handled();
    following.stop().await;

    let count = |result| {
        handled
            .with_label_values(&["post.deleted.v1", result])
            .get()
    };
    assert_eq!((count("ok"), count("handed_back")), (1, 0));
    assert_eq!(tries.load(Ordering::Relaxed), AWAY + 1);
}

#[tokio::test]
async fn poison_becomes_a_dead_letter_at_once_and_holds_nothing_up() {
    let stage = Stage::new().await;
    let (sender, mut received) = mpsc::unbounded_channel();
    let following = stage.follow(move |message| {
        let sender = sender.clone();
        async move {
            message.parse::<PostDeleted>()?;
            Ok(sender.send(message)?)
        }
    });
    following.ready().await;
    let publisher = publisher(&stage.broker).await;

    let no_post = r#"{"id":"01931f6a-5c00-7000-8000-000000000001","type":"post.deleted.v1","occurredAt":"2026-11-12T08:30:00Z","requestId":"r","traceparent":"t","data":{}}"#;
    let other_type = no_post.replace("post.deleted.v1", "post.created.v1");
    let too_long = " ".repeat(200 * 1024);
    for (body, why) in [
        ("no JSON", "expected ident at line 1 column 2"),
        ("{}", "missing field `id`"),
        (no_post, "missing field `postId`"),
        (&other_type, "unexpected type post.created.v1"),
        (&too_long, "it has 204800 bytes, 131072 are allowed"),
    ] {
        stage
            .publish_bytes("post.deleted.v1", body.as_bytes())
            .await;
        let (dead, reason) = stage.dead_letter().await;
        assert_eq!(dead, body.as_bytes());
        assert!(reason.starts_with(why), "{reason}");
    }

    let sent = envelope();
    publisher.publish(&sent).await.expect("confirmed");
    assert_eq!(next(&mut received).await.id(), sent.id);
}
