//! Why the pods of a component are not ready: from what the cluster says of them to one reason and one sentence.
//!
//! Pure, and steady: as long as a cause lasts its sentence stays as it is, so that the status is written once and not
//! with each restart.

mod container;
mod crash;
mod image;
mod newest;
mod node;
mod refusal;
mod scheduling;
mod storage;
mod words;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{
    ContainerStateWaiting, ContainerStatus, Event, PersistentVolumeClaim, Pod, PodCondition,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use operator_api::{Component, ComponentStatus, Reason};

use crate::dereference::Found;

/// What the cluster said of a platform's pods at one moment. Nothing at all of a platform that is at rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Clues {
    pub at: Timestamp,
    pub replica_sets: Vec<ReplicaSet>,
    pub pods: Vec<Pod>,
    pub claims: Vec<PersistentVolumeClaim>,
    pub events: Vec<Event>,
    /// What must not be repeated, whoever says it.
    pub confidential: Vec<String>,
}

/// Why a component is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub reason: Reason,
    /// In our words.
    sentence: String,
    /// In the words of a program, a registry, the cluster; empty when they said nothing.
    words: String,
}

/// What of a pod is looked at for each cause, the worst first: what no time will mend before what time may.
const TABLE: [fn(&Suspect) -> Option<Cause>; 6] = [
    image::image,
    container::container,
    crash::crash,
    storage::storage,
    scheduling::scheduling,
    node::node,
];

/// Why the component has not the pods it should have, if the cluster says.
pub fn cause(component: Component, found: &Found, clues: &Clues) -> Option<Cause> {
    if let Some(set) = newest::set_without_pods(component, found, clues) {
        return refusal::refusal(set, clues);
    }
    let pods = newest::unready_pods(component, found, clues);

    TABLE
        .into_iter()
        .find_map(|cause| pods.iter().find_map(|&pod| cause(&Suspect { pod, clues })))
}

/// The UIDs of what only events tell of.
pub fn told_by_events(component: Component, found: &Found, clues: &Clues) -> Vec<String> {
    let set = newest::set_without_pods(component, found, clues);
    let set = set.and_then(|set| set.metadata.uid.clone());
    let pods = newest::unready_pods(component, found, clues);
    let of_pods = pods.iter().flat_map(|&pod| {
        let suspect = Suspect { pod, clues };
        let claims =
            storage::unbound_claims(&suspect).filter_map(|claim| claim.metadata.uid.clone());
        let pod = container::is_preparing(&suspect).then(|| pod.metadata.uid.clone());
        claims.chain(pod.flatten()).collect::<Vec<_>>()
    });

    set.into_iter().chain(of_pods).collect()
}

impl Clues {
    pub fn none(at: Timestamp) -> Self {
        Self {
            at,
            replica_sets: Vec::new(),
            pods: Vec::new(),
            claims: Vec::new(),
            events: Vec::new(),
            confidential: Vec::new(),
        }
    }

    fn events_of<'a>(&'a self, uid: Option<&str>) -> impl Iterator<Item = &'a Event> {
        self.events
            .iter()
            .filter(move |event| uid.is_some() && event.involved_object.uid.as_deref() == uid)
    }
}

impl Cause {
    fn new(reason: Reason, sentence: impl Into<String>) -> Self {
        Self {
            reason,
            sentence: sentence.into(),
            words: String::new(),
        }
    }

    /// The whole sentence; the one that was told `before` if it means the same.
    pub fn message(&self, before: Option<&ComponentStatus>) -> String {
        let Self {
            reason,
            sentence,
            words,
        } = self;
        let told = before
            .filter(|before| before.reason == reason.as_str())
            .and_then(|before| {
                before
                    .message
                    .strip_prefix(sentence.as_str())?
                    .strip_prefix(": ")
            })
            .filter(|told| words.is_empty() || words::are_alike(words, told));

        match told.unwrap_or(words) {
            "" => sentence.clone(),
            words => format!("{sentence}: {words}"),
        }
    }
}

/// A pod that is not ready, and what else is known.
struct Suspect<'a> {
    pod: &'a Pod,
    clues: &'a Clues,
}

impl<'a> Suspect<'a> {
    /// Those that run first come first.
    fn containers(&self) -> impl Iterator<Item = &'a ContainerStatus> {
        let status = self.pod.status.as_ref();

        status.into_iter().flat_map(|status| {
            let first = status.init_container_statuses.iter().flatten();
            first.chain(status.container_statuses.iter().flatten())
        })
    }

    fn waiting(&self) -> impl Iterator<Item = (&'a ContainerStatus, &'a ContainerStateWaiting)> {
        self.containers().filter_map(|container| {
            let waiting = container.state.as_ref()?.waiting.as_ref()?;
            Some((container, waiting))
        })
    }

    fn condition(&self, type_: &str) -> Option<&'a PodCondition> {
        let conditions = self.pod.status.as_ref()?.conditions.as_ref()?;

        conditions.iter().find(|condition| condition.type_ == type_)
    }

    fn memory_limit(&self, container: &str) -> Option<&'a str> {
        let spec = self.pod.spec.as_ref()?;
        let mut all = spec
            .containers
            .iter()
            .chain(spec.init_containers.iter().flatten());
        let resources = all.find(|one| one.name == container)?.resources.as_ref()?;

        Some(&resources.limits.as_ref()?.get("memory")?.0)
    }

    fn age(&self, time: &Time) -> SignedDuration {
        self.clues.at.duration_since(time.0)
    }

    fn fit(&self, words: &str) -> String {
        words::fit(words, &self.clues.confidential)
    }
}

/// When an event was told first. What is told again and again is no news: the newest event is the one that began last.
fn first_seen(event: &Event) -> Option<Timestamp> {
    let first = event.first_timestamp.as_ref().map(|time| time.0);
    let created = event.metadata.creation_timestamp.as_ref();

    first
        .or(event.event_time.as_ref().map(|time| time.0))
        .or(created.map(|time| time.0))
}

fn last_seen(event: &Event) -> Option<Timestamp> {
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let series = event.series.as_ref();
    let repeated = series.and_then(|series| series.last_observed_time.as_ref());

    last.or(repeated.map(|time| time.0))
        .or_else(|| first_seen(event))
}

#[cfg(test)]
pub mod samples;

#[cfg(test)]
mod tests;
