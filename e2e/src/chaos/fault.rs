//! What befalls a platform: programs that are killed, ways that are cut, a disk that is full.

use std::fmt;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::DeleteParams;
use operator_api::Component;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use crate::Platform;
use crate::chaos::broker::Broker;
use crate::chaos::node::NodeShell;
use crate::chaos::tally::Tally;
use crate::platform::READY_WITHIN;
use crate::wait::{Look, until};

/// More than any disk has: 1 PB.
const NO_ROOM: u64 = 1_000_000_000_000_000;
/// The crowd takes some seconds for it.
const WITHOUT_ROOM: u64 = 200;
/// Before the next fault, so that it finds everybody at work.
const BETWEEN_FAULTS: u64 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every pod of a component is killed.
    Kill(Component),
    /// One of its pods is killed.
    KillOne(Component),
    /// The broker has no room on its disk and reads nothing that is published.
    NoRoom,
    /// Nothing passes between two components.
    Cut(Component, Component),
}

impl Fault {
    pub const ALL: [Self; 13] = [
        Self::Kill(Component::RabbitMq),
        Self::KillOne(Component::Post),
        Self::Kill(Component::Post),
        Self::Kill(Component::Media),
        Self::Kill(Component::Search),
        Self::Kill(Component::MongoDb),
        Self::Kill(Component::Redis),
        Self::NoRoom,
        Self::Cut(Component::Post, Component::RabbitMq),
        Self::Cut(Component::Search, Component::RabbitMq),
        Self::Cut(Component::Media, Component::RabbitMq),
        Self::Cut(Component::Post, Component::MongoDb),
        Self::Cut(Component::Search, Component::MongoDb),
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(component) => write!(formatter, "every pod of {component} is killed"),
            Self::KillOne(component) => write!(formatter, "one pod of {component} is killed"),
            Self::NoRoom => write!(formatter, "the disk of {} is full", Component::RabbitMq),
            Self::Cut(one, other) => write!(formatter, "{one} and {other} are cut apart"),
        }
    }
}

/// So many faults in an order that follows from `seed`. Each comes once before any comes again.
pub fn order(seed: u64, count: usize) -> Vec<Fault> {
    let mut choices = StdRng::seed_from_u64(seed);
    let mut order = Vec::new();
    while order.len() < count {
        let mut faults = Fault::ALL;
        faults.shuffle(&mut choices);
        order.extend(faults);
    }
    order.truncate(count);

    order
}

/// A platform, the node it is on, and how those fare who use it.
pub struct Scene<'a> {
    pub platform: &'a Platform,
    pub node: &'a NodeShell,
    pub tally: &'a Tally,
}

impl Scene<'_> {
    /// Has a fault befall the platform, waits until people are served again, and prints how they fared meanwhile.
    pub async fn survive(&self, fault: Fault) -> Result<()> {
        let (began, before) = (Instant::now(), self.tally.count());
        let pods = self.platform.pods().await?.len();
        self.strike(fault)
            .await
            .with_context(|| format!("failed to see to it that {fault}"))?;
        self.recover(pods)
            .await
            .with_context(|| format!("after {fault}"))?;
        let (seconds, during) = (began.elapsed().as_secs_f64(), self.tally.count() - before);
        println!(
            "{} {fault}: {during} until all was well again after {seconds:.1} s",
            jiff::Timestamp::now().strftime("%H:%M:%S")
        );

        Ok(())
    }

    async fn strike(&self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Kill(component) => {
                let pods = self.platform.pods_of(component).await?;
                self.kill(&pods).await
            }
            Fault::KillOne(component) => {
                let mut pods = self.platform.pods_of(component).await?;
                pods.truncate(1);
                self.kill(&pods).await
            }
            Fault::NoRoom => self.leave_no_room().await,
            Fault::Cut(one, other) => {
                let ones = self.platform.pods_of(one).await?;
                let others = self.platform.pods_of(other).await?;
                self.node.cut(&ones, &others).await
            }
        }
    }

    /// Kills pods and has them forgotten, so that each is made anew instead of being started again.
    async fn kill(&self, pods: &[Pod]) -> Result<()> {
        self.node.kill(pods).await?;
        let at_once = DeleteParams::default().grace_period(0);
        for pod in pods {
            self.platform
                .namespace
                .api::<Pod>()
                .delete(&pod.name_any(), &at_once)
                .await?;
        }

        Ok(())
    }

    /// People go on being served while the broker takes nothing. Whatever is found, it has its room again afterwards.
    async fn leave_no_room(&self) -> Result<()> {
        let broker = Broker(&self.platform.namespace);
        let limit = broker.disk_free_limit().await?;
        broker.set_disk_free_limit(NO_ROOM).await?;
        let is_full = broker.is_short_of_disk().await;
        let served = self.tally.more_ok(WITHOUT_ROOM).await;
        broker.set_disk_free_limit(limit).await?;
        ensure!(is_full?, "the broker does not mind a full disk");

        served
    }

    /// The resource tells of a pod that is gone a moment later than the pods do, so they are looked at first.
    async fn recover(&self, pods: usize) -> Result<()> {
        until("every pod to be ready again", READY_WITHIN, async || {
            let found = self.platform.pods().await?;
            let ready = found.iter().filter(|pod| is_ready(pod)).count();

            Ok(Look::when(ready == pods && found.len() == pods, || {
                format!(
                    "{ready} of {pods} pods are ready, {} are there",
                    found.len()
                )
            }))
        })
        .await?;
        self.platform.ready().await?;

        self.tally.more_ok(BETWEEN_FAULTS).await
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();

    conditions
        .iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_one_order() {
        assert_eq!(order(7, 40), order(7, 40));
        assert_ne!(order(7, 40), order(8, 40));
    }

    #[test]
    fn each_fault_comes_once_before_any_comes_again() {
        let order = order(7, 20);

        assert_eq!(order.len(), 20);
        let first = &order[..Fault::ALL.len()];
        assert!(Fault::ALL.iter().all(|fault| first.contains(fault)));
    }
}
