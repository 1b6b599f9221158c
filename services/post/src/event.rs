//! What is announced of a post.

use bus::{PublishError, Publisher};
use events::{Envelope, Event, Origin, PostCreated, PostDeleted, PostUpdated};
use service_kit::RequestContext;
use uuid::Uuid;

use crate::post::Id;
use crate::store::{Pending, Stored};

/// What the ids of events are made from, with a post and its version: whoever announces a change, and however often,
/// does it under one id.
const IDS: Uuid = Uuid::from_u128(0x6d1f_0e0c_52a7_4b0b_9a57_3c1f_7f0e_44d2);

/// The request a change comes from.
pub fn origin(context: RequestContext) -> Origin {
    Origin {
        request_id: context.request_id,
        traceparent: context.traceparent,
    }
}

/// Announces the last change of a post, and waits for the broker's confirm.
pub async fn publish(
    publisher: &Publisher,
    stored: &Stored,
    pending: &Pending,
) -> Result<(), PublishError> {
    let post = &stored.post;
    let (post_id, user_id) = (post.id.to_string(), post.user.to_string());
    let (media_ids, version) = (texts(&post.media_ids), stored.version);

    if stored.is_deleted {
        let event = PostDeleted {
            post_id,
            user_id,
            media_ids,
            version,
        };
        return publisher.publish(&envelope(event, stored, pending)).await;
    }
    let content = post.content.clone();
    if version == 1 {
        let event = PostCreated {
            post_id,
            user_id,
            content,
            media_ids,
            created_at: post.created_at,
            version,
        };
        return publisher.publish(&envelope(event, stored, pending)).await;
    }
    let event = PostUpdated {
        post_id,
        user_id,
        content,
        media_ids,
        created_at: post.created_at,
        updated_at: post.updated_at,
        version,
    };

    publisher.publish(&envelope(event, stored, pending)).await
}

fn envelope<E: Event>(event: E, stored: &Stored, pending: &Pending) -> Envelope<E> {
    let name = format!("{}/{}", stored.post.id, stored.version);

    Envelope {
        id: Uuid::new_v5(&IDS, name.as_bytes()),
        kind: E::TYPE.to_owned(),
        occurred_at: pending.at,
        origin: pending.origin.clone(),
        data: event,
    }
}

fn texts(ids: &[Id]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
