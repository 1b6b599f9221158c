//! What happens to one delivered event.

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use faults::{Bug, Point};
use futures::FutureExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use lapin::types::AMQPValue;
use lapin::{Acker, BasicProperties};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span};

use crate::grave::{DELIVERY_COUNT, Grave};
use crate::retry::{Backoff, delay_after};
use crate::topology::DELIVERY_LIMIT;
use crate::{Failure, Message};

/// A handler that takes longer is treated as if what it needs were away.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);

/// What the broker is told about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Handled,
    /// Delivered again; the event is not at fault.
    HandBack,
    /// Delivered again, and counted against the event.
    Failed,
    /// Put aside, for this reason.
    DeadLetter(String),
    /// The connection it came from is gone; it is delivered again over another.
    Lost,
}

#[derive(Debug, thiserror::Error)]
#[error("the handler took longer than {HANDLER_TIMEOUT:?}")]
struct TookTooLong;

#[derive(Debug, thiserror::Error)]
#[error("the handler panicked")]
struct Panicked;

impl Verdict {
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Handled => "ok",
            Self::HandBack | Self::Failed => "handed_back",
            Self::DeadLetter(_) => "dead_letter",
            Self::Lost => "lost",
        }
    }
}

/// Has `handler` try until there is a verdict, and tells the broker.
pub(crate) async fn handle<H, F>(
    handler: &H,
    delivery: Delivery,
    grave: &Grave,
    shutdown: &CancellationToken,
) -> Verdict
where
    H: Fn(Message) -> F + Send + Sync,
    F: Future<Output = Result<(), Failure>> + Send,
{
    let handed_back = times_handed_back(&delivery.properties);
    if faults::has(Bug::AckBeforeWrite) {
        tell(&delivery.acker, &Verdict::Handled, false).await;
    }
    faults::passes(Point::Delivered);
    let body: Arc<[u8]> = delivery.data.into();
    let verdict = match Message::read(body.clone()) {
        Ok(message) => {
            let origin = message.origin();
            let span = info_span!(
                "event",
                requestId = %origin.request_id,
                traceId = %message.trace_id(),
                event.id = %message.id(),
                event.r#type = %message.kind(),
            );
            decide(handler, message, handed_back, &delivery.acker, shutdown)
                .instrument(span)
                .await
        }
        Err(failure) => {
            say(&failure, handed_back);
            Verdict::DeadLetter(failure.to_string())
        }
    };
    let is_buried = match &verdict {
        Verdict::DeadLetter(reason) => grave
            .put(&body, delivery.properties, reason)
            .await
            .inspect_err(|error| {
                tracing::warn!(%error, "RabbitMQ puts an event aside, which then does not say why");
            })
            .is_ok(),
        _ => false,
    };
    faults::passes(Point::Handled);
    tell(&delivery.acker, &verdict, is_buried).await;

    verdict
}

async fn decide<H, F>(
    handler: &H,
    message: Message,
    handed_back: u32,
    acker: &Acker,
    shutdown: &CancellationToken,
) -> Verdict
where
    H: Fn(Message) -> F + Send + Sync,
    F: Future<Output = Result<(), Failure>> + Send,
{
    let mut backoff = Backoff::default();
    loop {
        let Err(failure) = attempt(handler, message.clone()).await else {
            tracing::debug!("handled an event");
            return Verdict::Handled;
        };
        say(&failure, handed_back);
        match failure {
            Failure::Poison(_) => return Verdict::DeadLetter(failure.to_string()),
            Failure::Failed(_) if handed_back >= DELIVERY_LIMIT => {
                return Verdict::DeadLetter(failure.to_string());
            }
            Failure::Failed(_) => {
                wait(delay_after(handed_back), shutdown).await;
                return Verdict::Failed;
            }
            Failure::Unavailable(_) => wait(backoff.next(), shutdown).await,
        }
        if shutdown.is_cancelled() {
            return Verdict::HandBack;
        }
        if !acker.usable() {
            return Verdict::Lost;
        }
    }
}

fn say(failure: &Failure, handed_back: u32) {
    match failure {
        Failure::Poison(reason) => {
            tracing::error!(error = %reason, "an event cannot be used and goes to the dead-letter queue");
        }
        Failure::Failed(error) if handed_back < DELIVERY_LIMIT => {
            let error = &**error as &dyn Error;
            tracing::warn!(
                error,
                event.handed_back = handed_back,
                "an event failed and is handed back"
            );
        }
        Failure::Failed(error) => {
            let error = &**error as &dyn Error;
            tracing::error!(
                error,
                "an event failed too often and goes to the dead-letter queue"
            );
        }
        Failure::Unavailable(error) => {
            let error = &**error as &dyn Error;
            tracing::warn!(error, "an event waits for something that is away");
        }
    }
}

async fn attempt<H, F>(handler: &H, message: Message) -> Result<(), Failure>
where
    H: Fn(Message) -> F + Send + Sync,
    F: Future<Output = Result<(), Failure>> + Send,
{
    let handled = AssertUnwindSafe(async { handler(message).await }).catch_unwind();
    match tokio::time::timeout(HANDLER_TIMEOUT, handled).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Panicked.into()),
        Err(_) => Err(Failure::Unavailable(Box::new(TookTooLong))),
    }
}

/// Waits for `delay`, or until `shutdown`.
async fn wait(delay: Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        () = shutdown.cancelled() => {}
    }
}

/// A dead letter that is not buried yet the broker puts aside, without its reason.
async fn tell(acker: &Acker, verdict: &Verdict, is_buried: bool) {
    let told = match verdict {
        Verdict::Handled => acker.ack(BasicAckOptions::default()).await,
        Verdict::HandBack => {
            let requeue = BasicNackOptions {
                requeue: true,
                ..Default::default()
            };
            acker.nack(requeue).await
        }
        // Every version counts a rejected message against the delivery limit; from 4.3 on a nack is no delivery.
        Verdict::Failed => acker.reject(BasicRejectOptions { requeue: true }).await,
        Verdict::DeadLetter(_) if is_buried => acker.ack(BasicAckOptions::default()).await,
        Verdict::DeadLetter(_) => acker.reject(BasicRejectOptions { requeue: false }).await,
        Verdict::Lost => return,
    };
    if !matches!(told, Ok(true)) {
        tracing::debug!("the connection is gone, the event will be delivered again");
    }
}

fn times_handed_back(properties: &BasicProperties) -> u32 {
    let count = properties
        .headers()
        .as_ref()
        .and_then(|headers| headers.inner().get(DELIVERY_COUNT))
        .and_then(AMQPValue::as_long_long_int);

    count.map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX))
}
