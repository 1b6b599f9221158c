//! What makes the operator look at a platform: a change of the platform or of an object it owns, or time.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::join_all;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::PartialObjectMeta;
use kube::runtime::controller::{Action, Config as Limits, Error as ControllerError};
use kube::runtime::{Controller, watcher};
use kube::{Client, ResourceExt};
use operator_api::SocialPlatform;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info_span, warn};

use crate::apply::FIELD_MANAGER;
use crate::error::Error;
use crate::memory::{LAST_RETRY, Memories, Memory};
use crate::metrics::Metrics;
use crate::reconcile::{Context, Next, reconcile};
use crate::scope::{Place, Scope};

/// Platforms looked at side by side. Each pass holds a handful of connections and spends its time waiting.
const CONCURRENCY: u16 = 16;

/// Looked at again although a watch should tell.
const WAIT: Duration = LAST_RETRY;

/// The platform's kind with nothing but metadata in it: a spec that nobody can read must not end the watch of all.
type Watched = PartialObjectMeta<SocialPlatform>;

/// Where a platform is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlatformName {
    pub namespace: String,
    pub name: String,
}

struct Shared {
    context: Context,
    memories: Memories,
    metrics: Metrics,
    resync: Duration,
    /// All places together are held to what one is held to.
    turns: Semaphore,
    shutdown: CancellationToken,
}

/// Watches until `shutdown`, then ends when every pass that runs has ended.
pub async fn watch(context: Context, scope: &Scope, metrics: Metrics, shutdown: CancellationToken) {
    let client = context.client.clone();
    let resync = context.resync;
    let shared = Arc::new(Shared {
        context,
        memories: Memories::default(),
        metrics,
        resync,
        turns: Semaphore::new(CONCURRENCY.into()),
        shutdown,
    });
    let places = scope.places().into_iter();
    let watches = join_all(places.map(|place| watch_place(&client, place, shared.clone())));

    // A watch that is told to stop before its first list was answered, or that may not list at all, never ends by itself.
    tokio::select! {
        _ = watches => {}
        () = all_passes_ended(&shared.turns, &shared.shutdown) => {}
    }
}

/// Once nobody begins a pass any more, whoever has all turns at once knows that none is under way.
async fn all_passes_ended(turns: &Semaphore, shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    let _all = turns.acquire_many(CONCURRENCY.into()).await;
}

async fn watch_place(client: &Client, place: Place<'_>, shared: Arc<Shared>) {
    let shutdown = shared.shutdown.clone();
    // Secrets are not watched: the right to watch them is the right to read all of them.
    let ours =
        watcher::Config::default().labels(&format!("app.kubernetes.io/managed-by={FIELD_MANAGER}"));

    Controller::new(place.api::<Watched>(client), watcher::Config::default())
        .owns(place.api::<Deployment>(client), ours.clone())
        .owns(place.api::<StatefulSet>(client), ours.clone())
        .owns(place.api::<Service>(client), ours.clone())
        .owns(place.api::<ConfigMap>(client), ours.clone())
        .owns(place.api::<NetworkPolicy>(client), ours.clone())
        .owns(place.api::<PodDisruptionBudget>(client), ours.clone())
        .owns(place.api::<HorizontalPodAutoscaler>(client), ours.clone())
        .owns(place.api::<Ingress>(client), ours)
        .with_config(Limits::default().concurrency(CONCURRENCY))
        .graceful_shutdown_on(async move { shutdown.cancelled().await })
        .run(
            look,
            |_, never: &Infallible, _| match *never {},
            shared.clone(),
        )
        .for_each(async |looked| match looked {
            Ok(_) => {}
            // An object of a platform that is gone tells of it last.
            Err(ControllerError::ObjectNotFound(gone)) => shared.forget(PlatformName {
                namespace: gone.namespace.unwrap_or_default(),
                name: gone.name,
            }),
            Err(error) => warn!(
                error = &error as &dyn std::error::Error,
                "a watch of {place} was interrupted"
            ),
        })
        .await;
}

/// One pass, with everything around it: time limit, log, metrics, and when to look again.
async fn look(platform: Arc<Watched>, shared: Arc<Shared>) -> Result<Action, Infallible> {
    let name = PlatformName {
        namespace: platform.namespace().unwrap_or_default(),
        name: platform.name_any(),
    };
    let span = info_span!(
        "reconcile",
        platform.namespace = name.namespace,
        platform.name = name.name
    );

    async {
        let turn = shared.turns.acquire();
        let Some(Ok(_turn)) = shared.shutdown.run_until_cancelled(turn).await else {
            return Ok(Action::await_change());
        };
        let began = Instant::now();
        let mut memory = shared.memories.take(&name);
        let outcome = reconcile(&shared.context, &name, &mut memory).await;
        shared.count(&name, began.elapsed(), &outcome);
        let action = shared.action(&mut memory, &outcome);
        match outcome {
            Ok(Next::Gone) => shared.forget(name),
            _ => shared.memories.keep(name, memory),
        }

        Ok(action)
    }
    .instrument(span)
    .await
}

impl Shared {
    fn forget(&self, name: PlatformName) {
        self.metrics.platform_is_gone(&name.namespace, &name.name);
        self.memories.take(&name);
    }

    fn count(&self, name: &PlatformName, took: Duration, outcome: &Result<Next, Error>) {
        match outcome {
            Ok(next) => {
                debug!(reconcile.next = ?next, reconcile.ms = took.as_millis(), "looked at the platform");
                self.metrics.reconciled(took);
                self.metrics
                    .platform_is(&name.namespace, &name.name, next.is_rest());
            }
            Err(error) => {
                warn!(
                    error = error as &dyn std::error::Error,
                    "failed to reconcile; trying again"
                );
                self.metrics
                    .failed(took, error.counted_as().unwrap_or("other"));
                self.metrics.platform_is(&name.namespace, &name.name, false);
            }
        }
    }

    fn action(&self, memory: &mut Memory, outcome: &Result<Next, Error>) -> Action {
        let Ok(next) = outcome else {
            return Action::requeue(memory.next_retry());
        };
        memory.has_succeeded();
        if *next != Next::Poll {
            memory.stop_polling();
        }
        if *next == Next::Rest {
            memory.stop_looking();
        }

        match next {
            Next::Gone => Action::await_change(),
            Next::AtOnce => Action::requeue(Duration::ZERO),
            Next::Poll => Action::requeue(memory.next_poll()),
            Next::Look => Action::requeue(memory.next_look()),
            Next::Wait => Action::requeue(WAIT),
            Next::Rest => Action::requeue(self.resync),
            Next::RestFor(time) => Action::requeue((*time).min(self.resync)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_end_comes_when_it_is_asked_for_and_no_sooner_than_the_last_pass() {
        let (turns, shutdown) = (Semaphore::new(CONCURRENCY.into()), CancellationToken::new());
        let pass = turns.acquire().await.unwrap();
        let end = all_passes_ended(&turns, &shutdown);
        tokio::pin!(end);
        let has_not_come = Duration::from_secs(60);

        assert!(tokio::time::timeout(has_not_come, &mut end).await.is_err());
        shutdown.cancel();
        assert!(tokio::time::timeout(has_not_come, &mut end).await.is_err());
        drop(pass);
        end.await;
    }
}
