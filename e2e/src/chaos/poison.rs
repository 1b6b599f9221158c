//! Messages that are no events, so that there are dead letters while something breaks.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use operator_api::names::ADMIN_PORT;
use operator_api::{Component, object_name};

use crate::Platform;
use crate::chaos::broker::Broker;
use crate::platform::NAME;
use crate::wait::{Look, until};

/// To give so many back takes seconds, one after the other, which is time enough for something to break.
pub const COUNT: u64 = 1000;
const QUEUE: &str = "social.search.posts";
/// What RabbitMQ itself puts aside and hears no confirm of, it puts aside again after 3 minutes.
const ASIDE_WITHIN: Duration = Duration::from_secs(240);

/// Every id begins so.
const NAME_PREFIX: &str = "poison";

/// What the search service cannot use.
pub struct Poison<'a> {
    platform: &'a Platform,
    /// What earlier poison left behind is not taken for this one.
    batch: i64,
}

impl<'a> Poison<'a> {
    pub fn new(platform: &'a Platform) -> Self {
        Self {
            platform,
            batch: jiff::Timestamp::now().as_millisecond(),
        }
    }

    /// Waits until the search service has put all of it aside.
    pub async fn put(&self) -> Result<()> {
        let broker = Broker(&self.platform.namespace);
        broker.put(QUEUE, COUNT, &name(self.batch, "~b")).await?;

        self.is_aside().await
    }

    /// Has all poison forgotten. Nothing else may be among the dead letters of the search service.
    pub async fn drop_all(platform: &Platform) -> Result<()> {
        let list = command(platform, &["list"]).await?;
        let others = others(&list);
        ensure!(others.is_empty(), "nothing was wrong with {others:?}");
        command(platform, &["drop", "--all"]).await?;

        Ok(())
    }

    /// Waits until all of it is among the dead letters.
    pub async fn is_aside(&self) -> Result<()> {
        until("poison to be put aside", ASIDE_WITHIN, async || {
            let list = command(self.platform, &["list"]).await?;
            let lost = missing(&list, self.batch);
            Ok(Look::when(lost.is_empty(), || {
                format!("{} of {COUNT} are not: {lost:?}", lost.len())
            }))
        })
        .await
    }

    /// Has all of it handled again.
    pub async fn replay(&self) -> Result<String> {
        command(self.platform, &["replay", "--all"]).await
    }

    /// How many messages the search service has put aside since its start.
    pub async fn count(&self) -> Result<u64> {
        let namespace = &self.platform.namespace;
        let pods = self.platform.pods_of(Component::Search).await?;
        let pod = pods.first().context("search has no pod")?.name_any();
        let cluster = &namespace.cluster;
        let metrics = cluster.metrics(&namespace.name, &pod, ADMIN_PORT).await?;

        Ok(put_aside(&metrics))
    }
}

async fn command(platform: &Platform, command: &[&str]) -> Result<String> {
    let deployment = format!("deployment/{}", object_name(NAME, Component::Search));
    let program = ["exec", &deployment, "--", "search", "dead-letters"];

    platform
        .namespace
        .kubectl(&[&program, command].concat())
        .await
}

/// Poison that is not listed.
fn missing(list: &str, batch: i64) -> Vec<String> {
    let listed: BTreeSet<_> = ids(list).collect();
    let put = (1..=COUNT).map(|number| name(batch, &number.to_string()));

    put.filter(|name| !listed.contains(name.as_str())).collect()
}

/// What is listed and no poison.
fn others(list: &str) -> Vec<&str> {
    ids(list)
        .filter(|id| !id.starts_with(NAME_PREFIX))
        .collect()
}

fn ids(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter_map(|line| line.split('\t').next())
}

fn name(batch: i64, number: &str) -> String {
    format!("{NAME_PREFIX}-{batch}-{number}")
}

fn put_aside(metrics: &str) -> u64 {
    let counts = metrics.lines().filter(|line| {
        line.starts_with("events_handled_total") && line.contains(r#"result="dead_letter""#)
    });

    counts
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(batch: i64, numbers: impl Iterator<Item = u64>) -> String {
        let names = numbers.map(|number| name(batch, &number.to_string()));

        names
            .map(|name| format!("{name}\t-\t-\tno event\n"))
            .collect()
    }

    #[test]
    fn poison_that_is_nowhere_is_missing_whatever_came_twice() {
        let (most, again) = (list(7, 2..=COUNT), list(7, 2..=3));

        assert_eq!(missing(&(most + &again), 7), ["poison-7-1"]);
    }

    #[test]
    fn poison_of_another_batch_does_not_stand_in_for_this() {
        let (most, earlier) = (list(7, 2..=COUNT), list(6, 1..=COUNT));

        assert_eq!(missing(&(most + &earlier), 7), ["poison-7-1"]);
    }

    #[test]
    fn poison_is_told_from_other_dead_letters() {
        let list = list(7, 1..=3) + "01931f6a\tpost.created.v1\t-\t-\n";

        assert_eq!(others(&list), ["01931f6a"]);
    }

    #[test]
    fn what_was_put_aside_is_counted() {
        let metrics = "events_handled_total{result=\"ok\",type=\"a\"} 7\n\
                       events_handled_total{result=\"dead_letter\",type=\"a\"} 2\n\
                       events_handled_total{result=\"dead_letter\",type=\"unknown\"} 3\n";

        assert_eq!(put_aside(metrics), 5);
    }
}
