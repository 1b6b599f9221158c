//! A claim that has no volume.

use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim};
use operator_api::Reason;

use super::scheduling::schedulers_words;
use super::{Cause, Clues, Suspect, first_seen};

pub(super) fn storage(suspect: &Suspect) -> Option<Cause> {
    // A volume that waits for its first consumer is not why that has no node.
    let is_blamed = schedulers_words(suspect)
        .is_none_or(|words| words.to_lowercase().contains("persistentvolume"));
    let claim = unbound_claims(suspect).next().filter(|_| is_blamed)?;
    let name = claim.metadata.name.as_deref().unwrap_or_default();
    let class = claim
        .spec
        .as_ref()
        .and_then(|spec| spec.storage_class_name.as_deref())
        .map(|class| format!(" of storage class {class}"))
        .unwrap_or_default();

    if claim.metadata.deletion_timestamp.is_some() {
        let sentence = format!("claim {name} is being deleted; the pod waits for the end of it");
        return Some(Cause::new(Reason::WaitingForStorage, sentence));
    }
    let news = newest(suspect.clues, claim);
    let words = news.and_then(|event| event.message.as_deref());
    if is_lost(claim) || news.is_some_and(is_failure) {
        return Some(Cause {
            words: suspect.fit(words.unwrap_or_default()),
            ..Cause::new(
                Reason::StorageUnavailable,
                format!("claim {name} has no volume{class}"),
            )
        });
    }

    let waits = Cause::new(
        Reason::WaitingForStorage,
        format!("claim {name} waits for a volume{class}"),
    );
    // That a provisioner was asked is worth telling: it may not run. What else there is to hear is on its way.
    match news.filter(|event| event.reason.as_deref() == Some("ExternalProvisioning")) {
        Some(_) => Some(Cause {
            words: suspect.fit(words.unwrap_or_default()),
            ..waits
        }),
        None => Some(waits),
    }
}

/// The claims without a volume of a pod that has no node. One that has a node has its volumes.
pub(super) fn unbound_claims<'a>(
    suspect: &Suspect<'a>,
) -> impl Iterator<Item = &'a PersistentVolumeClaim> {
    let spec = suspect
        .pod
        .spec
        .as_ref()
        .filter(|spec| spec.node_name.is_none());
    let names = spec
        .into_iter()
        .flat_map(|spec| spec.volumes.iter().flatten())
        .filter_map(|volume| Some(&volume.persistent_volume_claim.as_ref()?.claim_name))
        .collect::<Vec<_>>();

    suspect.clues.claims.iter().filter(move |claim| {
        let phase = claim
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        let is_named = claim
            .metadata
            .name
            .as_ref()
            .is_some_and(|name| names.contains(&name));
        is_named && (phase != Some("Bound") || claim.metadata.deletion_timestamp.is_some())
    })
}

/// A volume that was deleted under its claim.
fn is_lost(claim: &PersistentVolumeClaim) -> bool {
    claim
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref())
        == Some("Lost")
}

/// What was said last of the claim, failures first: in between, each new try is announced.
fn newest<'a>(clues: &'a Clues, claim: &PersistentVolumeClaim) -> Option<&'a Event> {
    clues
        .events_of(claim.metadata.uid.as_deref())
        .max_by_key(|event| (is_failure(event), first_seen(event)))
}

/// A claim for which no class was named and that no default is there for is no warning to Kubernetes.
fn is_failure(event: &Event) -> bool {
    event.type_.as_deref() == Some("Warning") || event.reason.as_deref() == Some("FailedBinding")
}

#[cfg(test)]
mod tests {
    use super::super::samples::{claim, clues, event, unscheduled};
    use super::*;

    const UNBOUND: &str = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 \
                           nodes are available: 1 Preemption is not helpful for scheduling.";

    fn message(
        scheduler: &str,
        class: Option<&str>,
        events: Vec<Event>,
    ) -> Option<(Reason, String)> {
        let clues = clues(|clues| {
            clues.claims = vec![claim(class)];
            clues.events = events;
        });
        let pod = unscheduled(scheduler);
        let suspect = Suspect {
            pod: &pod,
            clues: &clues,
        };

        storage(&suspect).map(|cause| (cause.reason, cause.message(None)))
    }

    #[test]
    fn an_unknown_storage_class_is_named() {
        let unknown = "storageclass.storage.k8s.io \"fast\" not found";

        assert_eq!(
            message(
                UNBOUND,
                Some("fast"),
                vec![event("claim-uid", "ProvisioningFailed", 10, unknown)]
            ),
            Some((
                Reason::StorageUnavailable,
                format!("claim data-demo-mongodb-0 has no volume of storage class fast: {unknown}")
            ))
        );
    }

    #[test]
    fn a_cluster_without_a_default_class_is_told() {
        let nobody = "no persistent volumes available for this claim and no storage class is set";
        let mut event = event("claim-uid", "FailedBinding", 10, nobody);
        event.type_ = Some("Normal".to_owned());

        assert_eq!(
            message(UNBOUND, None, vec![event]),
            Some((
                Reason::StorageUnavailable,
                format!("claim data-demo-mongodb-0 has no volume: {nobody}")
            ))
        );
    }

    #[test]
    fn a_provisioner_that_was_asked_is_named_and_one_that_fails_is_told_between_its_tries() {
        let normal = |reason, second, message| Event {
            type_: Some("Normal".to_owned()),
            ..event("claim-uid", reason, second, message)
        };
        let asked = "Waiting for a volume to be created either by the external provisioner 'slow' or manually";
        let failed = event("claim-uid", "ProvisioningFailed", 20, "quota exceeded");
        let mut events = vec![
            normal("WaitForFirstConsumer", 5, "waiting for first consumer"),
            normal("ExternalProvisioning", 10, asked),
        ];

        assert_eq!(
            message(UNBOUND, Some("slow"), events.clone()),
            Some((
                Reason::WaitingForStorage,
                format!(
                    "claim data-demo-mongodb-0 waits for a volume of storage class slow: {asked}"
                )
            ))
        );
        events.extend([
            failed,
            normal(
                "Provisioning",
                30,
                "External provisioner is provisioning volume",
            ),
        ]);
        assert_eq!(
            message(UNBOUND, Some("slow"), events),
            Some((
                Reason::StorageUnavailable,
                "claim data-demo-mongodb-0 has no volume of storage class slow: quota exceeded"
                    .to_owned()
            ))
        );
    }

    #[test]
    fn a_volume_that_waits_for_the_pod_is_not_what_the_pod_waits_for() {
        assert_eq!(
            message(
                "0/1 nodes are available: 1 Insufficient memory.",
                None,
                vec![]
            ),
            None
        );
    }

    #[test]
    fn a_volume_of_somebody_elses_claim_is_not_waited_for() {
        let clues = clues(|clues| clues.claims = vec![claim(None)]);
        let mut pod = unscheduled(UNBOUND);
        if let Some(spec) = pod.spec.as_mut() {
            spec.volumes = None;
        }

        assert_eq!(
            storage(&Suspect {
                pod: &pod,
                clues: &clues
            }),
            None
        );
    }
}
