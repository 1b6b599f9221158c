//! What befalls a platform: programs that are killed, ways that are cut, a disk that is full.

use std::fmt;
use std::time::{Duration, Instant};

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
use crate::chaos::poison::{COUNT, Poison};
use crate::chaos::tally::Tally;
use crate::platform::READY_WITHIN;
use crate::wait::{Look, until};

/// More than any disk has: 1 PB.
const NO_ROOM: u64 = 1_000_000_000_000_000;
/// The crowd takes some seconds for it.
const WITHOUT_ROOM: u64 = 200;
const AGAIN_WITHIN: Duration = Duration::from_secs(30);
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
    /// The broker is killed while a service puts messages aside that it cannot use.
    KillAmidDeadLetters,
    /// The broker is killed while such messages are given back.
    KillAmidReplay,
    /// Nothing passes between two components.
    Cut(Component, Component),
}

impl Fault {
    pub const ALL: [Self; 15] = [
        Self::Kill(Component::RabbitMq),
        Self::KillOne(Component::Post),
        Self::Kill(Component::Post),
        Self::Kill(Component::Media),
        Self::Kill(Component::Search),
        Self::Kill(Component::MongoDb),
        Self::Kill(Component::Redis),
        Self::NoRoom,
        Self::KillAmidDeadLetters,
        Self::KillAmidReplay,
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
            Self::KillAmidDeadLetters => {
                let broker = Component::RabbitMq;
                write!(formatter, "{broker} is killed amid dead letters")
            }
            Self::KillAmidReplay => {
                let broker = Component::RabbitMq;
                write!(formatter, "{broker} is killed amid a replay")
            }
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
        let poison = Poison::new(self.platform);
        self.strike(fault, &poison)
            .await
            .with_context(|| format!("failed to see to it that {fault}"))?;
        let recovered = async {
            self.recover(pods).await?;
            if matches!(fault, Fault::KillAmidDeadLetters | Fault::KillAmidReplay) {
                poison.is_aside().await?;
                Poison::drop_all(self.platform).await?;
            }
            self.tally.more_ok(BETWEEN_FAULTS).await
        };
        recovered.await.with_context(|| format!("after {fault}"))?;
        let (seconds, during) = (began.elapsed().as_secs_f64(), self.tally.count() - before);
        println!(
            "{} {fault}: {during} until all was well again after {seconds:.1} s",
            jiff::Timestamp::now().strftime("%H:%M:%S")
        );

        Ok(())
    }

    async fn strike(&self, fault: Fault, poison: &Poison<'_>) -> Result<()> {
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
            Fault::KillAmidDeadLetters => self.kill_amid_dead_letters(poison).await,
            Fault::KillAmidReplay => self.kill_amid_replay(poison).await,
            Fault::Cut(one, other) => {
                let ones = self.platform.pods_of(one).await?;
                let others = self.platform.pods_of(other).await?;
                self.node.cut(&ones, &others).await
            }
        }
    }

    /// Kills pods and has each made anew instead of being started again.
    async fn kill(&self, pods: &[Pod]) -> Result<()> {
        self.node.kill(pods).await?;

        self.replace(pods).await
    }

    /// A second is the shortest time after which a pod is forgotten once nothing of it runs. Without it, which is a
    /// deletion by force, two pods of a store may have one volume at the same time.
    async fn replace(&self, pods: &[Pod]) -> Result<()> {
        let soon = DeleteParams::default().grace_period(1);
        for pod in pods {
            self.platform
                .namespace
                .api::<Pod>()
                .delete(&pod.name_any(), &soon)
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

    /// All poison waits, given back and confirmed, for a service that sleeps. It wakes and puts the first of it aside, and
    /// the broker is killed before it has seen the last.
    async fn kill_amid_dead_letters(&self, poison: &Poison<'_>) -> Result<()> {
        poison.put().await?;
        let before = poison.count().await?;
        let search = self.platform.pods_of(Component::Search).await?;
        let broker = self.platform.pods_of(Component::RabbitMq).await?;
        self.node.put_to_sleep(&search).await?;
        let replayed = poison.replay().await;
        self.node.wake_and_kill(&search, &broker).await?;
        let aside = poison.count().await? - before;
        replayed?;
        ensure!(
            aside < COUNT,
            "the broker was killed after all {aside} were put aside"
        );

        self.replace(&broker).await
    }

    /// Poison is given back, is put aside again, and the broker is killed amid both.
    async fn kill_amid_replay(&self, poison: &Poison<'_>) -> Result<()> {
        poison.put().await?;
        let before = poison.count().await?;
        let pods = self.platform.pods_of(Component::RabbitMq).await?;
        let kill = async {
            until("dead letters to come again", AGAIN_WITHIN, async || {
                let count = poison.count().await?;
                Ok(Look::when(count > before, || format!("{count} as before")))
            })
            .await?;
            self.kill(&pods).await
        };
        // That it fails is what it is killed for; what it has done by then must hold.
        let (replayed, killed) = tokio::join!(poison.replay(), kill);
        killed?;
        ensure!(replayed.is_err(), "the broker was killed after the replay");

        Ok(())
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

        Ok(())
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
