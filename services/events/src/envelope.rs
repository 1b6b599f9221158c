//! The wrapping every event travels in.

use std::fmt::Debug;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// A fact one service announces and others may act on.
pub trait Event: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync {
    /// `<aggregate>.<fact>.v<major>`: the routing key, and the `type` of the envelope.
    const TYPE: &'static str;
}

/// One occurrence of an event.
///
/// Delivery is at least once: `id` stays the same when an envelope is sent again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<E> {
    pub id: Uuid,
    #[serde(rename = "type")]
    pub kind: String,
    pub occurred_at: Timestamp,
    #[serde(flatten)]
    pub origin: Origin,
    pub data: E,
}

/// The request an event came from, so that its traces and logs can be followed to the consumers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    pub request_id: String,
    /// W3C trace context of the span that caused the event.
    pub traceparent: String,
}

impl<E: Event> Envelope<E> {
    pub fn new(data: E, occurred_at: Timestamp, origin: Origin) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind: E::TYPE.to_owned(),
            occurred_at,
            origin,
            data,
        }
    }
}
