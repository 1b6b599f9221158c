//! Looking at what was put aside, and deciding what becomes of it: commands of the services' programs.

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, Subcommand};
use events::TOMBSTONE_LIFETIME;
use jiff::Timestamp;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection};
use serde::Deserialize;
use uuid::Uuid;

use crate::broker::{Broker, LinkError, close, within};
use crate::grave::{DELIVERY_COUNTS, REASON, publish_to, without};
use crate::walk::Walk;
use crate::{Queue, topology};

const TIMEOUT: Duration = Duration::from_secs(5);
/// What dead-lettering added to a message; one that is replayed begins anew.
const ADDED: [&str; 8] = [
    REASON,
    "x-death",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
    "x-last-death-exchange",
    "x-last-death-queue",
    "x-last-death-reason",
];

/// What to do with the events that could not be handled.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum DeadLettersCommand {
    /// List them, the oldest first: id, type, when it happened, why it is here
    List,

    /// Print one as it was sent
    Show {
        /// As `list` says
        id: String,
    },

    /// Give them to this service again
    Replay(Chosen),

    /// Forget them for good
    Drop(Chosen),
}

/// Which of them.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[group(required = true, multiple = false)]
pub struct Chosen {
    /// As `list` says
    ids: Vec<String>,

    /// All there are
    #[arg(long)]
    all: bool,
}

/// Why a command was not carried out. What was not done yet stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum DeadLettersError {
    /// The broker is away, or was lost meanwhile.
    #[error("failed to reach RabbitMQ")]
    Broker(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// Nothing has this id.
    #[error("there is no dead letter {0}")]
    Unknown(String),

    /// Standard output is closed.
    #[error("failed to print")]
    Print(#[from] io::Error),
}

/// A message of a dead-letter queue.
struct DeadLetter {
    id: String,
    kind: String,
    occurred_at: Option<Timestamp>,
    reason: String,
    body: Vec<u8>,
    properties: BasicProperties,
}

/// What can be read of most events, however broken.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Readable {
    r#type: Option<String>,
    occurred_at: Option<Timestamp>,
}

/// What becomes of a message.
enum Fate {
    Stays,
    Goes,
}

impl DeadLettersCommand {
    /// Does it with those of `queue`, and prints what there is to say.
    pub async fn run(
        &self,
        broker: &Broker,
        queue: Queue,
        out: &mut (impl Write + Send),
    ) -> Result<(), DeadLettersError> {
        let (connection, channel) = broker.connect_to_publish().await?;
        let topology = broker.topology();
        let done = self.work(&connection, &channel, topology, queue, out).await;
        // What was looked at and not acknowledged goes back, at the latest.
        close(&connection).await;

        done
    }

    async fn work(
        &self,
        connection: &Connection,
        channel: &Channel,
        topology: &topology::Topology,
        queue: Queue,
        out: &mut (impl Write + Send),
    ) -> Result<(), DeadLettersError> {
        let (own, dead) = (topology.queue(queue), topology.dead_letter_queue(queue));
        let mut missing: Vec<&str> = match self {
            Self::Show { id } => vec![id],
            Self::Replay(chosen) | Self::Drop(chosen) => {
                chosen.ids.iter().map(String::as_str).collect()
            }
            Self::List => Vec::new(),
        };
        let mut done = 0;
        let mut walk = Walk::begin(connection, channel, &dead).await?;
        while let Some(message) = walk.next().await? {
            let acker = message.acker.clone();
            let letter = DeadLetter::from(message);
            missing.retain(|id| *id != letter.id);
            match self.decide(&letter, channel, &own, out).await? {
                Fate::Stays => walk.stays(),
                Fate::Goes => {
                    within(TIMEOUT, acker.ack(BasicAckOptions::default())).await?;
                    done += 1;
                }
            }
        }
        walk.end().await?;
        match self {
            Self::Replay(_) => writeln!(out, "{done} replayed")?,
            Self::Drop(_) => writeln!(out, "{done} dropped")?,
            Self::List | Self::Show { .. } => {}
        }

        missing.first().map_or(Ok(()), |id| {
            Err(DeadLettersError::Unknown((*id).to_owned()))
        })
    }

    async fn decide(
        &self,
        letter: &DeadLetter,
        channel: &Channel,
        own: &str,
        out: &mut (impl Write + Send),
    ) -> Result<Fate, DeadLettersError> {
        match self {
            Self::List => {
                let at = letter.occurred_at.map(|at| at.to_string());
                let (id, kind, reason) = (&letter.id, &letter.kind, &letter.reason);
                let at = at.as_deref().unwrap_or("-");
                writeln!(out, "{id}\t{kind}\t{at}\t{reason}")?;
                Ok(Fate::Stays)
            }
            Self::Show { id } => {
                if *id == letter.id {
                    out.write_all(&letter.body)?;
                    writeln!(out)?;
                }
                Ok(Fate::Stays)
            }
            Self::Drop(chosen) if chosen.has(letter) => Ok(Fate::Goes),
            Self::Replay(chosen) if chosen.has(letter) => {
                if letter.could_bring_back() {
                    writeln!(
                        out,
                        "{} is not replayed: it is older than {} days, and what was deleted since would come back",
                        letter.id,
                        TOMBSTONE_LIFETIME.as_secs() / (24 * 60 * 60)
                    )?;
                    return Ok(Fate::Stays);
                }
                let properties = letter.properties.clone();
                let headers = properties.headers().clone().unwrap_or_default();
                let headers = without(without(headers, &ADDED), &DELIVERY_COUNTS);
                let properties = properties.with_headers(headers);
                publish_to(channel, own, &letter.body, properties).await?;
                Ok(Fate::Goes)
            }
            Self::Drop(_) | Self::Replay(_) => Ok(Fate::Stays),
        }
    }
}

impl Chosen {
    fn has(&self, letter: &DeadLetter) -> bool {
        self.all || self.ids.contains(&letter.id)
    }
}

impl DeadLetter {
    /// Whether what it is about may have been deleted, and that forgotten, since.
    fn could_bring_back(&self) -> bool {
        let is_old = self.occurred_at.is_some_and(|at| {
            let age = Timestamp::now().duration_since(at);
            Duration::try_from(age).is_ok_and(|age| age > TOMBSTONE_LIFETIME)
        });

        is_old && !self.kind.contains(".deleted.")
    }
}

impl From<Delivery> for DeadLetter {
    fn from(message: Delivery) -> Self {
        let (properties, body) = (message.properties, message.data);
        let id = match properties.message_id() {
            Some(id) if !id.as_str().is_empty() => id.to_string(),
            // Not one of ours; called by what is in it.
            _ => Uuid::new_v5(&Uuid::NAMESPACE_OID, &body).to_string(),
        };
        let read: Readable = serde_json::from_slice(&body).unwrap_or_default();
        let reason = properties.headers().as_ref().and_then(reason);

        Self {
            id: printable(&id),
            kind: printable(read.r#type.as_deref().unwrap_or("-")),
            occurred_at: read.occurred_at,
            reason: printable(reason.as_deref().unwrap_or("-")),
            body,
            properties,
        }
    }
}

/// Ours, or the broker's own word: `delivery_limit`, `rejected`.
fn reason(headers: &FieldTable) -> Option<String> {
    let headers = headers.inner();
    let text = |name| match headers.get(name) {
        Some(AMQPValue::LongString(text)) => Some(text.to_string()),
        Some(AMQPValue::ShortString(text)) => Some(text.to_string()),
        _ => None,
    };

    text(REASON).or_else(|| text("x-first-death-reason"))
}

/// On one line, whatever somebody sent.
fn printable(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .take(500)
        .collect()
}

impl From<LinkError> for DeadLettersError {
    fn from(error: LinkError) -> Self {
        Self::Broker(Box::new(error))
    }
}
