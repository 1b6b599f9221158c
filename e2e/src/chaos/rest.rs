//! Waiting until nothing is on its way: every change is announced, and every event handled.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kube::ResourceExt;
use operator_api::Component;
use operator_api::names::ADMIN_PORT;

use crate::Platform;
use crate::chaos::broker::Broker;
use crate::wait::{Look, until};

/// What was held up for as long as a fault lasts is handled much faster than it came.
const AT_REST_WITHIN: Duration = Duration::from_secs(180);
/// The counts are a look into the past: the post service counts each second, and the broker every 5 s. Nothing was on
/// its way only when both say so for longer than that.
const QUIET_FOR: Duration = Duration::from_secs(12);
const PENDING: &str = "events_pending ";

/// Waits until nothing is on its way, and says how many dead letters there are.
pub async fn at_rest(platform: &Platform) -> Result<u64> {
    let broker = Broker(&platform.namespace);
    let mut quiet_since = None;
    until("events to come to rest", AT_REST_WITHIN, async || {
        let pending = pending(platform).await?;
        let (dead, queues): (Vec<_>, Vec<_>) = broker
            .queues()
            .await?
            .into_iter()
            .partition(|queue| queue.is_of_dead_letters());
        let is_quiet = pending == 0 && queues.iter().all(|queue| queue.messages == 0);
        if !is_quiet {
            quiet_since = None;
            return Ok(Look::NotYet(format!("{pending} pending, {queues:?}")));
        }
        if quiet_since.get_or_insert_with(Instant::now).elapsed() < QUIET_FOR {
            return Ok(Look::NotYet("quiet, but not for long".to_owned()));
        }

        Ok(Look::There(dead.iter().map(|queue| queue.messages).sum()))
    })
    .await
}

/// How many changes are to be announced, as the pods of post say.
async fn pending(platform: &Platform) -> Result<u64> {
    let namespace = &platform.namespace;
    let mut sum = 0;
    for pod in platform.pods_of(Component::Post).await? {
        let (cluster, name) = (&namespace.cluster, pod.name_any());
        let metrics = cluster.metrics(&namespace.name, &name, ADMIN_PORT).await?;
        sum += pending_of(&metrics)?;
    }

    Ok(sum)
}

fn pending_of(metrics: &str) -> Result<u64> {
    let count = metrics.lines().find_map(|line| line.strip_prefix(PENDING));
    let count = count.context("post does not say how many changes are pending")?;

    count
        .parse()
        .with_context(|| format!("not a number of changes: {count}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metric_is_found_among_others() {
        let metrics = "# TYPE events_pending gauge\nevents_pending 17\nevents_unconfirmed 3\n";

        assert_eq!(pending_of(metrics).unwrap(), 17);
        assert!(pending_of("events_unconfirmed 3\n").is_err());
    }
}
