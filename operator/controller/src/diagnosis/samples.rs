//! Pods, claims and events for tests, in the shape in which a cluster tells of them.

use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated,
    ContainerStateWaiting, ContainerStatus, Event, ObjectReference, PersistentVolumeClaim,
    PersistentVolumeClaimSpec, PersistentVolumeClaimStatus, PersistentVolumeClaimVolumeSource, Pod,
    PodCondition, PodSpec, PodStatus, ResourceRequirements, Volume,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use operator_api::Reason;

use super::{Cause, Clues, Suspect};

/// The second at which all clues were found.
pub const NOW: i64 = 100_000;

pub fn at(second: i64) -> Time {
    Time(Timestamp::from_second(second).unwrap())
}

pub fn clues(change: impl FnOnce(&mut Clues)) -> Clues {
    let mut clues = Clues::none(at(NOW).0);
    change(&mut clues);
    clues
}

/// What one cause says of a pod that nothing else is known of.
pub(super) fn suspect_message(
    pod: &Pod,
    cause: fn(&Suspect) -> Option<Cause>,
) -> Option<(Reason, String)> {
    let clues = clues(|_| {});
    let suspect = Suspect { pod, clues: &clues };

    cause(&suspect).map(|cause| (cause.reason, cause.message(None)))
}

/// A pod of post on a node, with one container that is not ready.
pub fn pod(change: impl FnOnce(&mut ContainerStatus)) -> Pod {
    let image = "docker.io/socialplatform/post:9.9.9".to_owned();
    let mut container = ContainerStatus {
        name: "post".to_owned(),
        image: image.clone(),
        ..ContainerStatus::default()
    };
    change(&mut container);
    let limits = [("memory".to_owned(), Quantity("128Mi".to_owned()))].into();

    Pod {
        metadata: ObjectMeta {
            name: Some("demo-post-7d9f-x2x4z".to_owned()),
            uid: Some("pod-uid".to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            node_name: Some("worker-2".to_owned()),
            containers: vec![Container {
                name: "post".to_owned(),
                image: Some(image),
                resources: Some(ResourceRequirements {
                    limits: Some(limits),
                    ..ResourceRequirements::default()
                }),
                ..Container::default()
            }],
            ..PodSpec::default()
        }),
        status: Some(PodStatus {
            phase: Some("Pending".to_owned()),
            start_time: Some(at(NOW - 3600)),
            container_statuses: Some(vec![container]),
            ..PodStatus::default()
        }),
    }
}

/// A store's pod that has no node, for the reason the scheduler gives.
pub fn unscheduled(words: &str) -> Pod {
    let claim = PersistentVolumeClaimVolumeSource {
        claim_name: "data-demo-mongodb-0".to_owned(),
        read_only: None,
    };

    Pod {
        metadata: ObjectMeta {
            name: Some("demo-mongodb-0".to_owned()),
            uid: Some("pod-uid".to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            volumes: Some(vec![Volume {
                name: "data".to_owned(),
                persistent_volume_claim: Some(claim),
                ..Volume::default()
            }]),
            ..PodSpec::default()
        }),
        status: Some(PodStatus {
            phase: Some("Pending".to_owned()),
            conditions: Some(vec![PodCondition {
                reason: Some("Unschedulable".to_owned()),
                ..condition("PodScheduled", "False", words)
            }]),
            ..PodStatus::default()
        }),
    }
}

pub fn condition(type_: &str, status: &str, message: &str) -> PodCondition {
    PodCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        message: (!message.is_empty()).then(|| message.to_owned()),
        ..PodCondition::default()
    }
}

pub fn waiting(reason: &str, message: &str) -> Option<ContainerState> {
    Some(ContainerState {
        waiting: Some(ContainerStateWaiting {
            reason: Some(reason.to_owned()),
            message: (!message.is_empty()).then(|| message.to_owned()),
        }),
        ..ContainerState::default()
    })
}

pub fn running(since: i64) -> Option<ContainerState> {
    Some(ContainerState {
        running: Some(ContainerStateRunning {
            started_at: Some(at(since)),
        }),
        ..ContainerState::default()
    })
}

pub fn ended(exit_code: i32, reason: &str, words: &str) -> Option<ContainerState> {
    Some(ContainerState {
        terminated: Some(ContainerStateTerminated {
            exit_code,
            reason: Some(reason.to_owned()),
            message: (!words.is_empty()).then(|| words.to_owned()),
            ..ContainerStateTerminated::default()
        }),
        ..ContainerState::default()
    })
}

/// A claim that has no volume.
pub fn claim(class: Option<&str>) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some("data-demo-mongodb-0".to_owned()),
            uid: Some("claim-uid".to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            storage_class_name: class.map(str::to_owned),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: Some(PersistentVolumeClaimStatus {
            phase: Some("Pending".to_owned()),
            ..PersistentVolumeClaimStatus::default()
        }),
    }
}

/// A warning that was first given at `second`.
pub fn event(uid: &str, reason: &str, second: i64, message: &str) -> Event {
    Event {
        involved_object: ObjectReference {
            uid: Some(uid.to_owned()),
            ..ObjectReference::default()
        },
        type_: Some("Warning".to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        first_timestamp: Some(at(second)),
        last_timestamp: Some(at(second)),
        ..Event::default()
    }
}
