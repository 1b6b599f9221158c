//! A pod that no node takes.

use operator_api::Reason;

use super::{Cause, Suspect};

pub(super) fn scheduling(suspect: &Suspect) -> Option<Cause> {
    let words = schedulers_words(suspect)?;

    Some(Cause {
        words: suspect.fit(words),
        ..Cause::new(Reason::Unschedulable, "no node takes the pod")
    })
}

/// Why the pod has no node: the first sentence. Those after it are about evicting others.
pub(super) fn schedulers_words<'a>(suspect: &Suspect<'a>) -> Option<&'a str> {
    let condition = suspect.condition("PodScheduled")?;
    let message = condition.message.as_deref().unwrap_or_default();
    let (first, _) = message.split_once(". ").unwrap_or((message, ""));

    (condition.status == "False").then_some(first.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{pod, suspect_message, unscheduled};
    use super::*;

    #[test]
    fn the_schedulers_words_are_told_without_those_on_preemption() {
        let why = "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, \
                   2 Insufficient cpu";
        for more in [
            ".",
            ". preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
            ". no new claims to deallocate, preemption: 0/3 nodes are available: 3 No preemption victims found.",
        ] {
            let pod = unscheduled(&format!("{why}{more}"));

            assert_eq!(
                suspect_message(&pod, scheduling),
                Some((
                    Reason::Unschedulable,
                    format!("no node takes the pod: {why}")
                ))
            );
        }
    }

    #[test]
    fn a_pod_that_has_its_node_is_scheduled() {
        assert_eq!(suspect_message(&pod(|_| {}), scheduling), None);
    }
}
