//! A store's pod that the cluster refuses to make. Of a service's the Deployment tells; a StatefulSet has no such
//! condition, and says it in events alone.

use k8s_openapi::api::apps::v1::StatefulSet;
use operator_api::Reason;

use super::{Cause, Clues, last_seen, words};

const REFUSED: &str = "FailedCreate";
const MADE: &str = "SuccessfulCreate";

/// Only asked of a set without a pod.
pub(super) fn refusal(set: &StatefulSet, clues: &Clues) -> Option<Cause> {
    let newest = clues
        .events_of(set.metadata.uid.as_deref())
        .filter(|event| [REFUSED, MADE].contains(&event.reason.as_deref().unwrap_or_default()))
        // A claim that was made is told of in the same second as a pod that was not.
        .max_by_key(|event| (last_seen(event), event.reason.as_deref() == Some(REFUSED)))
        .filter(|event| event.reason.as_deref() == Some(REFUSED))?;
    let message = newest.message.as_deref().unwrap_or_default();
    let refusal = message
        .split_once(" failed error: ")
        .map_or(message, |(_, refusal)| refusal);

    // As a Deployment's refusal is told: the whole sentence is the cluster's.
    Some(Cause::new(
        Reason::PodsRefused,
        words::fit(refusal, &clues.confidential),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{clues, event};
    use super::*;

    #[test]
    fn the_words_of_a_quota_are_told_until_a_pod_is_made() {
        let mut set = StatefulSet::default();
        set.metadata.uid = Some("set-uid".to_owned());
        let quota = "pods \"demo-mongodb-0\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, \
                     limited: pods=0";
        let refused = event(
            "set-uid",
            REFUSED,
            10,
            &format!("create Pod demo-mongodb-0 in StatefulSet demo-mongodb failed error: {quota}"),
        );
        let claimed = event(
            "set-uid",
            MADE,
            10,
            "create Claim data-demo-mongodb-0 success",
        );
        let made = event("set-uid", MADE, 20, "create Pod demo-mongodb-0 successful");
        let cause = |events| {
            let clues = clues(|clues| clues.events = events);
            refusal(&set, &clues)
        };

        assert_eq!(
            cause(vec![refused.clone(), claimed.clone()]),
            Some(Cause::new(Reason::PodsRefused, quota))
        );
        assert_eq!(cause(vec![refused, claimed, made]), None);
    }
}
