//! A pod whose node does not report any more.

use k8s_openapi::jiff::SignedDuration;
use operator_api::Reason;

use super::{Cause, Suspect};

/// How much longer than it was given a pod may take to end.
const LATE_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// Told by the pod alone: an operator of some namespaces may not read nodes.
pub(super) fn node(suspect: &Suspect) -> Option<Cause> {
    let name = suspect
        .pod
        .spec
        .as_ref()
        .and_then(|spec| spec.node_name.as_deref())?;

    if is_overdue(suspect) {
        let pod = suspect.pod.metadata.name.as_deref().unwrap_or_default();
        return Some(Cause::new(
            Reason::NodeLost,
            format!("pod {pod} should have ended, and node {name} does not say that it has"),
        ));
    }

    is_forsaken(suspect).then(|| {
        Cause::new(
            Reason::NodeLost,
            format!("node {name} does not report, and its pods count as not ready"),
        )
    })
}

/// The time of deletion is the one by which the pod was to have ended.
pub(super) fn is_overdue(suspect: &Suspect) -> bool {
    let deletion = suspect.pod.metadata.deletion_timestamp.as_ref();

    deletion.is_some_and(|deletion| suspect.age(deletion) > LATE_AFTER)
}

/// A node that reports never says of a pod that its containers are ready and it is not, but for gates, which our pods
/// do not have. It is said for a node that does not.
fn is_forsaken(suspect: &Suspect) -> bool {
    let has_gates = suspect
        .pod
        .spec
        .as_ref()
        .is_some_and(|spec| spec.readiness_gates.is_some());
    let is = |type_, value| {
        suspect
            .condition(type_)
            .is_some_and(|condition| condition.status == value)
    };

    !has_gates && is("ContainersReady", "True") && is("Ready", "False")
}

#[cfg(test)]
mod tests {
    use super::super::samples::{NOW, at, condition, pod, suspect_message};
    use super::*;

    fn on_node(ready: &str) -> k8s_openapi::api::core::v1::Pod {
        let mut pod = pod(|status| status.ready = true);
        if let Some(status) = pod.status.as_mut() {
            status.conditions = Some(vec![
                condition("ContainersReady", "True", ""),
                condition("Ready", ready, ""),
            ]);
        }
        pod
    }

    #[test]
    fn a_node_that_went_silent_is_named() {
        assert_eq!(
            suspect_message(&on_node("False"), node),
            Some((
                Reason::NodeLost,
                "node worker-2 does not report, and its pods count as not ready".to_owned()
            ))
        );
        assert_eq!(suspect_message(&on_node("True"), node), None);
    }

    #[test]
    fn a_pod_that_does_not_end_is_one_of_a_lost_node() {
        let mut pod = on_node("True");
        pod.metadata.deletion_timestamp = Some(at(NOW - 5));
        assert_eq!(suspect_message(&pod, node), None, "it may take a moment");

        pod.metadata.deletion_timestamp = Some(at(NOW - 60));
        assert_eq!(
            suspect_message(&pod, node),
            Some((
                Reason::NodeLost,
                "pod demo-post-7d9f-x2x4z should have ended, and node worker-2 does not say that it has"
                    .to_owned()
            ))
        );
    }
}
