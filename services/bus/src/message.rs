//! A received event, and what becomes of it when it cannot be handled.

use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;

use events::{Envelope, Event, Origin};
use serde::Deserialize;
use uuid::Uuid;

/// A received event whose type is known and whose data is not parsed yet.
#[derive(Debug, Clone)]
pub struct Message {
    head: Arc<Head>,
    body: Arc<[u8]>,
}

/// What every envelope has, whatever it carries.
#[derive(Debug, Deserialize)]
struct Head {
    id: Uuid,
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    origin: Origin,
}

/// Why an event was not handled, which decides what becomes of it.
///
/// Any error that `?` turns into this is [`Failure::Failed`].
#[derive(Debug)]
pub enum Failure {
    /// It will never be handled: it goes to the dead-letter queue at once.
    Poison(String),
    /// It may be handled later: it is delivered again after a short delay, and goes to the dead-letter queue when the
    /// delivery limit is reached.
    Failed(Box<dyn Error + Send + Sync>),
    /// Something the handler needs is away, which is not the event's fault: it is kept and tried again until that is
    /// back.
    Unavailable(Box<dyn Error + Send + Sync>),
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl Message {
    pub(crate) fn read(body: Vec<u8>) -> Result<Self, serde_json::Error> {
        Ok(Self {
            head: Arc::new(serde_json::from_slice(&body)?),
            body: body.into(),
        })
    }

    /// Stays the same when the event is delivered again.
    pub fn id(&self) -> Uuid {
        self.head.id
    }

    /// `<aggregate>.<fact>.v<major>`, see [`Event::TYPE`].
    pub fn kind(&self) -> &str {
        &self.head.kind
    }

    /// The request the event came from.
    pub fn origin(&self) -> &Origin {
        &self.head.origin
    }

    /// The envelope as it was sent.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The event itself; poison when it is not an `E`.
    pub fn parse<E: Event>(&self) -> Result<Envelope<E>, Failure> {
        if self.kind() != E::TYPE {
            return Err(self.unexpected());
        }

        serde_json::from_slice(&self.body).map_err(|error| poison(&error))
    }

    /// What a handler answers to a type it does not know.
    pub fn unexpected(&self) -> Failure {
        Failure::Poison(format!("unexpected type {:.100}", self.kind()))
    }

    pub(crate) fn trace_id(&self) -> &str {
        let parent = &self.head.origin.traceparent;
        parent.split('-').nth(1).unwrap_or_default()
    }
}

pub(crate) fn poison(reason: &impl Display) -> Failure {
    Failure::Poison(reason.to_string())
}

#[cfg(test)]
mod tests {
    use events::{PostCreated, PostDeleted};

    use super::*;

    const SAMPLE: &str = include_str!("../../events/samples/post.deleted.v1.json");

    fn sample() -> Message {
        Message::read(SAMPLE.as_bytes().to_vec()).expect("the sample is readable")
    }

    #[test]
    fn a_message_is_parsed_as_what_it_is() {
        let envelope = sample().parse::<PostDeleted>().expect("parsed");

        assert_eq!(envelope.data.post_id, "673301c8e4b0a1b2c3d4e5f6");
        assert_eq!(sample().trace_id(), "5bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(sample().origin(), &envelope.origin);
    }

    #[test]
    fn a_message_of_another_type_is_poison() {
        assert!(matches!(
            sample().parse::<PostCreated>(),
            Err(Failure::Poison(_))
        ));
    }

    #[test]
    fn a_body_that_is_no_envelope_is_refused() {
        for body in ["", "x", "{}", r#"{"type":1}"#] {
            assert!(Message::read(body.into()).is_err(), "{body}");
        }
    }
}
