//! What a pass came to, as plain values: the conditions and the rest of the status are made of this and nothing else.

use operator_api::{Component, ComponentStatus, CredentialsStatus, Reason};

use crate::diagnosis::Cause;
use crate::tier::{Tier, tier};
use crate::workload::{Stage, Workload};

/// The state of every component, and what stopped the pass if something did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// One for each component, in the order of [`Component::ALL`].
    pub parts: Vec<Part>,
    pub obstacle: Option<Obstacle>,
    /// Which passwords and keys are in force, if the pass came so far.
    pub credentials: Option<CredentialsStatus>,
}

/// The state of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub component: Component,
    pub ready: i32,
    pub desired: i32,
    pub updated: i32,
    pub reason: Reason,
    pub message: String,
}

/// Why a pass could not go to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub reason: Reason,
    pub message: String,
}

impl Observed {
    /// What of the passwords and keys is being replaced, in a sentence.
    pub fn rotation(&self) -> Option<&str> {
        self.credentials.as_ref()?.rotation.as_deref()
    }

    pub fn count_ready(&self) -> usize {
        self.parts.iter().filter(|part| part.is_ready()).count()
    }

    /// The parts that are not ready, those that others need first.
    pub fn unready(&self) -> Vec<&Part> {
        let mut unready = self
            .parts
            .iter()
            .filter(|part| !part.is_ready())
            .collect::<Vec<_>>();
        unready.sort_by_key(|part| tier(part.component));
        unready
    }

    /// The unready parts that hold the others up. What only waits for another component says nothing new.
    pub fn awaited(&self) -> Vec<&Part> {
        let mut awaited = self.unready();
        awaited.retain(|part| part.reason != Reason::WaitingForDependencies);

        awaited
    }

    /// "5 of 8, waiting for mongodb". No component is waited for while something else is in the way.
    pub fn progress(&self) -> String {
        let counts = format!("{} of {}", self.count_ready(), self.parts.len());
        let awaited = names(self.awaited().iter().map(|part| part.component));

        if awaited.is_empty() || self.obstacle.is_some() {
            counts
        } else {
            format!("{counts}, waiting for {awaited}")
        }
    }
}

impl Part {
    /// A component that has its Deployment or StatefulSet. `before` is what the status said of it for the same
    /// generation.
    pub fn of(component: Component, workload: &Workload, before: Option<&ComponentStatus>) -> Self {
        let &Workload {
            desired,
            ready,
            updated,
            ref stage,
        } = workload;
        let was_ready = before.is_some_and(|before| {
            let after_ready = [
                Reason::Ready,
                Reason::PodsNotReady,
                Reason::CrashLooping,
                Reason::NodeLost,
            ];
            after_ready
                .iter()
                .any(|reason| reason.as_str() == before.reason)
        });
        let pods_ready = format!("{ready} of {desired} pods ready");

        let (reason, message) = match stage {
            Stage::Terminating => (
                Reason::WaitingForDeletion,
                "waiting for its deletion to end".to_owned(),
            ),
            Stage::Refused(words) => (Reason::PodsRefused, words.clone()),
            Stage::Stuck(words) => (Reason::RolloutStuck, words.clone()),
            Stage::Rolling if ready > 0 => (
                Reason::RollingOut,
                format!("{pods_ready}, {updated} updated"),
            ),
            Stage::Short if was_ready => (Reason::PodsNotReady, pods_ready),
            Stage::Rolling | Stage::Short => (Reason::Starting, pods_ready),
            Stage::RolledOut => (Reason::Ready, pods_ready),
        };

        Self {
            component,
            ready,
            desired,
            updated,
            reason,
            message,
        }
    }

    /// A component of a platform that is going. It is not looked at any more.
    pub fn going(component: Component) -> Self {
        Self {
            component,
            ready: 0,
            desired: 0,
            updated: 0,
            reason: Reason::Deleting,
            message: "goes with the platform".to_owned(),
        }
    }

    /// A component that is not made before `awaited` are ready.
    pub fn absent(component: Component, desired: i32, awaited: &[Component]) -> Self {
        let (reason, message) = if awaited.is_empty() {
            (Reason::Starting, "not made yet".to_owned())
        } else {
            let awaited = names(awaited.iter().copied());
            (
                Reason::WaitingForDependencies,
                format!("waiting for {awaited}"),
            )
        };

        Self {
            component,
            ready: 0,
            desired,
            updated: 0,
            reason,
            message,
        }
    }

    pub fn is_ready(&self) -> bool {
        self.reason == Reason::Ready
    }

    /// The part with what holds its pods up instead of how many are ready. `before` is as for [`Part::of`].
    pub fn held_up_by(self, cause: &Cause, before: Option<&ComponentStatus>) -> Self {
        // Neither pods nor what becomes of them matters to a part that is ready, and a refusal or a deletion that is in
        // the way comes before what is wrong with the pods that are there.
        let comes_first = [
            Reason::Ready,
            Reason::WaitingForDeletion,
            Reason::PodsRefused,
        ];
        if comes_first.contains(&self.reason) {
            return self;
        }

        Self {
            reason: cause.reason,
            message: cause.message(before),
            ..self
        }
    }

    /// Whether something is wrong with it, as opposed to on its way. Whether time or a person will mend it the operator
    /// cannot know of what happens to pods: a registry comes back, a node is added. It is ready for both, so none of
    /// this stalls it.
    pub fn is_failing(&self) -> bool {
        use Reason::{
            ContainerNotCreated, CrashLooping, ImageNotPulled, MongoDbSetUpFailed, NodeLost,
            PodsNotReady, PodsRefused, RolloutStuck, StorageUnavailable, Unschedulable,
        };

        matches!(
            self.reason,
            MongoDbSetUpFailed
                | PodsNotReady
                | PodsRefused
                | RolloutStuck
                | StorageUnavailable
                | Unschedulable
                | ImageNotPulled
                | ContainerNotCreated
                | CrashLooping
                | NodeLost
        )
    }

    /// What the platform as a whole is waiting for while this part is what holds it up.
    pub fn reason_for_all(&self) -> Reason {
        match self.reason {
            Reason::Starting | Reason::WaitingForDependencies | Reason::WaitingForDeletion => {
                match tier(self.component) {
                    Tier::Store => Reason::WaitingForStores,
                    Tier::Service => Reason::WaitingForServices,
                    Tier::Gateway => Reason::WaitingForGateway,
                }
            }
            reason => reason,
        }
    }

    pub fn status(&self) -> ComponentStatus {
        ComponentStatus {
            name: self.component,
            ready: self.ready,
            desired: self.desired,
            updated: self.updated,
            reason: self.reason.as_str().to_owned(),
            message: self.message.clone(),
        }
    }
}

impl Obstacle {
    /// Whether trying again helps nothing until somebody changes something.
    pub fn is_stalling(&self) -> bool {
        matches!(
            self.reason,
            Reason::Invalid
                | Reason::ObjectNotOurs
                | Reason::CredentialsInvalid
                | Reason::SecretMissing
                | Reason::Paused
                | Reason::KindNotInstalled
        )
    }
}

/// "mongodb", "mongodb and redis", "mongodb, redis and rabbitmq".
fn names(components: impl Iterator<Item = Component>) -> String {
    let names = components.map(Component::as_str).collect::<Vec<_>>();

    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
pub mod samples;

#[cfg(test)]
mod tests {
    use super::*;
    use samples::{observed, part};

    fn workload(stage: Stage, ready: i32) -> Workload {
        Workload {
            desired: 2,
            ready,
            updated: 2,
            stage,
        }
    }

    #[test]
    fn progress_names_what_is_waited_for_and_not_what_waits() {
        let observed = observed(&[
            (Component::Redis, Reason::Starting),
            (Component::MongoDb, Reason::SettingUpMongoDb),
            (Component::Post, Reason::WaitingForDependencies),
        ]);

        assert_eq!(observed.progress(), "5 of 8, waiting for mongodb and redis");
        assert_eq!(samples::observed(&[]).progress(), "8 of 8");
    }

    #[test]
    fn nothing_is_waited_for_while_something_is_in_the_way() {
        let observed = Observed {
            obstacle: samples::stopped_by(Reason::ObjectNotOurs).obstacle,
            ..observed(&[(Component::Redis, Reason::Starting)])
        };

        assert_eq!(observed.progress(), "7 of 8");
    }

    #[test]
    fn pods_that_were_ready_are_missed_and_pods_that_never_were_are_starting() {
        let before = |reason| part(Component::Post, reason).status();
        let short = workload(Stage::Short, 1);

        for (before, expected) in [
            (None, Reason::Starting),
            (Some(before(Reason::Starting)), Reason::Starting),
            (Some(before(Reason::Ready)), Reason::PodsNotReady),
            (Some(before(Reason::PodsNotReady)), Reason::PodsNotReady),
        ] {
            assert_eq!(
                Part::of(Component::Post, &short, before.as_ref()).reason,
                expected
            );
        }
    }

    #[test]
    fn a_first_start_is_not_called_a_rollout() {
        let reason =
            |ready| Part::of(Component::Post, &workload(Stage::Rolling, ready), None).reason;

        assert_eq!(reason(0), Reason::Starting);
        assert_eq!(reason(1), Reason::RollingOut);
    }

    #[test]
    fn a_component_that_lost_its_pods_to_a_crash_or_a_node_was_ready_before() {
        let short = workload(Stage::Short, 0);

        for (before, expected) in [
            (Reason::CrashLooping, Reason::PodsNotReady),
            (Reason::NodeLost, Reason::PodsNotReady),
            (Reason::ImageNotPulled, Reason::Starting),
            (Reason::WaitingForStorage, Reason::Starting),
        ] {
            let before = part(Component::Post, before).status();

            assert_eq!(
                Part::of(Component::Post, &short, Some(&before)).reason,
                expected
            );
        }
    }

    #[test]
    fn an_absent_component_says_what_it_waits_for() {
        let part = Part::absent(
            Component::Post,
            2,
            &[Component::MongoDb, Component::Redis, Component::RabbitMq],
        );

        assert_eq!(part.reason, Reason::WaitingForDependencies);
        assert_eq!(part.message, "waiting for mongodb, redis and rabbitmq");
    }
}
