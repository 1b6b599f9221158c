//! Which pods tell why a component is not ready: its own, of the template that is wanted. A pod of an older one that
//! still runs is not the cause of anything, and one that somebody gave our labels is none of ours.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ObjectMeta;
use operator_api::Component;

use super::{Clues, Suspect, node};
use crate::dereference::Found;

/// Where a Deployment and each `ReplicaSet` of it say which of those is the newest.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// Where a pod says which template of its StatefulSet it was made from.
const TEMPLATE: &str = "controller-revision-hash";

/// In the order of their names, so that of two pods with a cause the same one is told each time.
pub(super) fn unready_pods<'a>(
    component: Component,
    found: &Found,
    clues: &'a Clues,
) -> Vec<&'a Pod> {
    // What the controllers have not looked at yet, the pods say nothing of.
    let mut pods = if let Some(set) = stateful_set(component, found) {
        of_set(set, clues)
    } else if let Some(deployment) = deployment(component, found) {
        of_deployment(deployment, clues)
    } else {
        Vec::new()
    };
    pods.retain(|pod| !is_ready(pod) || pod.metadata.deletion_timestamp.is_some());
    pods.sort_by_key(|pod| pod.name_any());

    pods
}

/// A store's StatefulSet that has no pod although it wants one.
pub(super) fn set_without_pods<'a>(
    component: Component,
    found: &'a Found,
    clues: &Clues,
) -> Option<&'a StatefulSet> {
    stateful_set(component, found).filter(|set| {
        let wanted = set.spec.as_ref().and_then(|spec| spec.replicas);
        let mut pods = clues.pods.iter();
        wanted != Some(0) && !pods.any(|pod| is_controlled_by(&pod.metadata, &set.metadata))
    })
}

/// The next pod of a set gets its name when the one before has gone, of whichever template that is.
fn of_set<'a>(set: &StatefulSet, clues: &'a Clues) -> Vec<&'a Pod> {
    let newest = set
        .status
        .as_ref()
        .and_then(|status| status.update_revision.as_ref());
    let is_meant = |pod: &&Pod| {
        let is_newest = newest.is_some() && pod.labels().get(TEMPLATE) == newest;
        let is_going = pod.metadata.deletion_timestamp.is_some();
        is_controlled_by(&pod.metadata, &set.metadata)
            && match is_going {
                true => node::is_overdue(&Suspect { pod, clues }),
                false => is_newest,
            }
    };

    clues.pods.iter().filter(is_meant).collect()
}

/// A Deployment replaces a pod that is going at once, so those do not matter.
fn of_deployment<'a>(deployment: &Deployment, clues: &'a Clues) -> Vec<&'a Pod> {
    let revision = deployment.annotations().get(REVISION);
    let newest = clues.replica_sets.iter().find(|set| {
        is_controlled_by(&set.metadata, &deployment.metadata)
            && revision.is_some()
            && set.annotations().get(REVISION) == revision
    });
    let is_meant = |pod: &&Pod| {
        pod.metadata.deletion_timestamp.is_none()
            && newest.is_some_and(|set| is_controlled_by(&pod.metadata, &set.metadata))
    };

    clues.pods.iter().filter(is_meant).collect()
}

fn stateful_set(component: Component, found: &Found) -> Option<&StatefulSet> {
    let set = found.stateful_sets.get(&component)?;
    let observed = set.status.as_ref()?.observed_generation;

    (found.workload(component).is_some() && observed >= set.metadata.generation).then_some(set)
}

fn deployment(component: Component, found: &Found) -> Option<&Deployment> {
    let deployment = found.deployments.get(&component)?;
    let observed = deployment.status.as_ref()?.observed_generation;

    (found.workload(component).is_some() && observed >= deployment.metadata.generation)
        .then_some(deployment)
}

fn is_controlled_by(object: &ObjectMeta, owner: &ObjectMeta) -> bool {
    let mut owners = object.owner_references.iter().flatten();

    owners.any(|reference| {
        reference.controller == Some(true) && Some(&reference.uid) == owner.uid.as_ref()
    })
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref());

    conditions
        .unwrap_or_default()
        .iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
