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
const COUNT: usize = 500;
const QUEUE: &str = "social.search.posts";
/// What RabbitMQ itself puts aside and hears no confirm of, it puts aside again after 3 minutes.
const ASIDE_WITHIN: Duration = Duration::from_secs(240);

/// What the search service cannot use.
pub struct Poison<'a>(pub &'a Platform);

/// The dead letters of the search service, by their ids.
#[derive(Debug, Default, PartialEq, Eq)]
struct DeadLetters {
    /// Poison that is nowhere.
    lost: Vec<String>,
    /// What is no poison.
    others: Vec<String>,
}

impl Poison<'_> {
    /// Waits until the search service has put all of it aside.
    pub async fn put(&self) -> Result<()> {
        let broker = Broker(&self.0.namespace);
        broker.put(QUEUE, COUNT, &name("~b")).await?;

        self.is_aside().await
    }

    /// Waits until all of it is among the dead letters, and then has it forgotten. Nothing else may be there.
    pub async fn drop(&self) -> Result<()> {
        self.is_aside().await?;
        let others = self.dead_letters().await?.others;
        ensure!(others.is_empty(), "nothing was wrong with {others:?}");
        self.command(&["drop", "--all"]).await?;

        Ok(())
    }

    async fn is_aside(&self) -> Result<()> {
        until("poison to be put aside", ASIDE_WITHIN, async || {
            let lost = self.dead_letters().await?.lost;
            Ok(Look::when(lost.is_empty(), || {
                format!("{} of {COUNT} are not: {lost:?}", lost.len())
            }))
        })
        .await
    }

    /// Has all of it handled again.
    pub async fn replay(&self) -> Result<String> {
        self.command(&["replay", "--all"]).await
    }

    /// What there is of it, and beside it.
    async fn dead_letters(&self) -> Result<DeadLetters> {
        let list = self.command(&["list"]).await?;

        Ok(DeadLetters::read(&list))
    }

    /// How many messages the search service has put aside since its start.
    pub async fn count(&self) -> Result<u64> {
        let namespace = &self.0.namespace;
        let pods = self.0.pods_of(Component::Search).await?;
        let pod = pods.first().context("search has no pod")?.name_any();
        let cluster = &namespace.cluster;
        let metrics = cluster.metrics(&namespace.name, &pod, ADMIN_PORT).await?;

        Ok(put_aside(&metrics))
    }

    async fn command(&self, command: &[&str]) -> Result<String> {
        let deployment = format!("deployment/{}", object_name(NAME, Component::Search));
        let program = ["exec", &deployment, "--", "search", "dead-letters"];

        self.0
            .namespace
            .kubectl(&[&program, command].concat())
            .await
    }
}

impl DeadLetters {
    fn read(list: &str) -> Self {
        let found = list.lines().filter_map(|line| line.split('\t').next());
        let found: BTreeSet<_> = found.map(str::to_owned).collect();
        let put: BTreeSet<_> = (1..=COUNT)
            .map(|number| name(&number.to_string()))
            .collect();

        Self {
            lost: put.difference(&found).cloned().collect(),
            others: found.difference(&put).cloned().collect(),
        }
    }
}

fn name(number: &str) -> String {
    format!("poison-{number}")
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

    #[test]
    fn poison_is_told_from_other_dead_letters() {
        let list = (2..=COUNT).map(|number| format!("poison-{number}\t-\t-\tno event\n"));
        let list: String = list.collect();
        let letters = DeadLetters::read(&format!("{list}01931f6a\tpost.created.v1\t-\t-\n"));

        assert_eq!(letters.lost, ["poison-1"]);
        assert_eq!(letters.others, ["01931f6a"]);
    }

    #[test]
    fn what_was_put_aside_is_counted() {
        let metrics = "events_handled_total{result=\"ok\",type=\"a\"} 7\n\
                       events_handled_total{result=\"dead_letter\",type=\"a\"} 2\n\
                       events_handled_total{result=\"dead_letter\",type=\"unknown\"} 3\n";

        assert_eq!(put_aside(metrics), 5);
    }
}
