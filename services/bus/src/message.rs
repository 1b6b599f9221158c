//! A received event, and what becomes of it when it cannot be handled.

use std::error::Error;
use std::fmt::{self, Display};
use std::sync::Arc;

use events::{Envelope, Event, Origin};
use serde::Deserialize;
use uuid::Uuid;

/// The longest event there may be. A post of 5,000 characters, each escaped, is 30 KB.
pub(crate) const MAX_EVENT_BYTES: usize = 128 * 1024;

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

/// With all that caused it.
impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match self {
            Self::Poison(reason) => return f.write_str(reason),
            Self::Failed(error) | Self::Unavailable(error) => error,
        };
        write!(f, "{error}")?;
        let mut cause = error.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }

        Ok(())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl Message {
    /// Poison when it is longer than [`MAX_EVENT_BYTES`] or no event at all.
    pub(crate) fn read(body: Arc<[u8]>) -> Result<Self, Failure> {
        if body.len() > MAX_EVENT_BYTES {
            return Err(Failure::Poison(format!(
                "it has {} bytes, {MAX_EVENT_BYTES} are allowed",
                body.len()
            )));
        }
        let head = serde_json::from_slice(&body).map_err(|error| poison(&error))?;

        Ok(Self {
            head: Arc::new(head),
            body,
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
        Message::read(SAMPLE.as_bytes().into()).expect("the sample is readable")
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
    fn an_event_that_is_too_long_is_refused_unread() {
        let spaces = " ".repeat(MAX_EVENT_BYTES);
        let long = format!("{SAMPLE}{spaces}");

        assert!(matches!(
            Message::read(long.as_bytes().into()),
            Err(Failure::Poison(reason)) if reason.contains("131072 are allowed")
        ));
    }

    #[test]
    fn a_body_that_is_no_envelope_is_refused() {
        for body in ["", "x", "{}", r#"{"type":1}"#] {
            assert!(Message::read(body.as_bytes().into()).is_err(), "{body}");
        }
    }
}
