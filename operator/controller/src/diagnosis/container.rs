//! A container that cannot be made of what the pod says: a Secret or a key of one is missing, a volume cannot be
//! mounted.

use std::cmp::Reverse;

use k8s_openapi::jiff::SignedDuration;
use operator_api::Reason;

use super::{Cause, Suspect, first_seen};

const REASONS: [&str; 2] = ["CreateContainerConfigError", "CreateContainerError"];

/// While these are a container's reasons the node prepares the pod, or fails to and says so in events alone.
const PREPARING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// What the node says when it fails to prepare a pod.
const FAILURES: [&str; 4] = [
    "FailedMount",
    "FailedAttachVolume",
    "FailedMapVolume",
    "FailedCreatePodSandBox",
];

/// A node prepares a pod in less; attaching a volume of the network may take longer and fail once meanwhile.
pub(super) const PREPARED_WITHIN: SignedDuration = SignedDuration::from_secs(30);

pub(super) fn container(suspect: &Suspect) -> Option<Cause> {
    refused(suspect).or_else(|| unprepared(suspect))
}

fn refused(suspect: &Suspect) -> Option<Cause> {
    let (container, waiting) = suspect.waiting().find(|(container, waiting)| {
        let reason = waiting.reason.as_deref().unwrap_or_default();
        // What ran once has last words, which say more than that it was not started again.
        let has_run = container
            .last_state
            .as_ref()
            .is_some_and(|last| last.terminated.is_some());
        REASONS.contains(&reason) || (reason == "RunContainerError" && !has_run)
    })?;

    Some(Cause {
        words: suspect.fit(waiting.message.as_deref().unwrap_or_default()),
        ..Cause::new(
            Reason::ContainerNotCreated,
            format!("container {} cannot be created", container.name),
        )
    })
}

fn unprepared(suspect: &Suspect) -> Option<Cause> {
    if !is_preparing(suspect) {
        return None;
    }
    let uid = suspect.pod.metadata.uid.as_deref();
    let event = suspect
        .clues
        .events_of(uid)
        .filter(|event| FAILURES.contains(&event.reason.as_deref().unwrap_or_default()))
        // A time-out only says that what another event explains went on for long.
        .max_by_key(|event| {
            let is_time_out = event
                .message
                .as_deref()
                .is_some_and(|message| message.contains("timed out waiting for the condition"));
            (Reverse(is_time_out), first_seen(event))
        })?;

    Some(Cause {
        words: suspect.fit(event.message.as_deref().unwrap_or_default()),
        ..Cause::new(Reason::ContainerNotCreated, "the pod cannot be prepared")
    })
}

/// Whether the node has taken the pod and has been preparing it for longer than it should.
pub(super) fn is_preparing(suspect: &Suspect) -> bool {
    let started = suspect
        .pod
        .status
        .as_ref()
        .and_then(|status| status.start_time.as_ref());
    let is_late = started.is_some_and(|started| suspect.age(started) > PREPARED_WITHIN);

    is_late
        && suspect
            .waiting()
            .any(|(_, waiting)| PREPARING.contains(&waiting.reason.as_deref().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, clues, event, pod, suspect_message, waiting};
    use super::super::{Suspect, samples};
    use super::*;

    #[test]
    fn a_missing_secret_and_a_missing_key_are_named() {
        for words in [
            "secret \"demo-post\" not found",
            "couldn't find key mongodb-url in Secret social/demo-post",
        ] {
            let pod = pod(|status| status.state = waiting("CreateContainerConfigError", words));

            assert_eq!(
                suspect_message(&pod, container),
                Some((
                    Reason::ContainerNotCreated,
                    format!("container post cannot be created: {words}")
                ))
            );
        }
    }

    #[test]
    fn a_volume_that_is_not_mounted_for_long_is_told_in_the_nodes_words() {
        let mut pod = pod(|status| status.state = waiting("ContainerCreating", ""));
        let events = vec![
            event(
                "pod-uid",
                "FailedMount",
                60,
                "MountVolume.SetUp failed for volume \"keys\" : secret \"demo-identity\" not found",
            ),
            event(
                "pod-uid",
                "FailedMount",
                200,
                "Unable to attach or mount volumes: unmounted volumes=[keys]: timed out waiting for the condition",
            ),
            event("another-uid", "FailedMount", 300, "of another pod"),
        ];
        let clues = clues(|clues| clues.events = events);
        let mut cause_when_started = |second| {
            if let Some(status) = pod.status.as_mut() {
                status.start_time = Some(at(second));
            }
            let suspect = Suspect {
                pod: &pod,
                clues: &clues,
            };
            container(&suspect).map(|cause| cause.message(None))
        };

        assert_eq!(
            cause_when_started(samples::NOW - 40).as_deref(),
            Some(
                "the pod cannot be prepared: MountVolume.SetUp failed for volume \"keys\" : secret \"demo-identity\" \
                 not found"
            )
        );
        assert_eq!(
            cause_when_started(samples::NOW - 10),
            None,
            "it takes a moment"
        );
    }
}
