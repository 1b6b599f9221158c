//! Which pods a cause is looked for in, which of several causes is told, and that a sentence stays as it is.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStatus, StatefulSet, StatefulSetSpec, StatefulSetStatus,
};
use k8s_openapi::api::core::v1::ContainerState;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use operator_api::{SocialPlatform, SocialPlatformSpec};

use super::samples::{NOW, at, clues, condition, ended, event, pod, running, unscheduled, waiting};
use super::*;
use crate::findings::{Findings, observe};
use crate::observed::Part;

/// A platform with post's Deployment and MongoDB's StatefulSet, neither of which has a ready pod.
fn found() -> Found {
    let mut platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
    platform.metadata.uid = Some("platform-uid".to_owned());
    platform.metadata.generation = Some(1);
    let owners = platform.controller_owner_ref(&()).map(|owner| vec![owner]);
    let metadata = |name: &str, uid: &str| ObjectMeta {
        name: Some(name.to_owned()),
        uid: Some(uid.to_owned()),
        generation: Some(1),
        owner_references: owners.clone(),
        annotations: Some(BTreeMap::from([(
            "deployment.kubernetes.io/revision".to_owned(),
            "2".to_owned(),
        )])),
        ..ObjectMeta::default()
    };
    let deployment = Deployment {
        metadata: metadata("demo-post", "deployment-uid"),
        spec: Some(DeploymentSpec {
            replicas: Some(2),
            ..DeploymentSpec::default()
        }),
        status: Some(DeploymentStatus {
            observed_generation: Some(1),
            replicas: Some(2),
            updated_replicas: Some(2),
            ..DeploymentStatus::default()
        }),
    };
    let set = StatefulSet {
        metadata: metadata("demo-mongodb", "set-uid"),
        spec: Some(StatefulSetSpec {
            replicas: Some(1),
            ..StatefulSetSpec::default()
        }),
        status: Some(StatefulSetStatus {
            observed_generation: Some(1),
            replicas: 1,
            updated_replicas: Some(1),
            update_revision: Some("demo-mongodb-new".to_owned()),
            current_revision: Some("demo-mongodb-new".to_owned()),
            ..StatefulSetStatus::default()
        }),
    };

    Found {
        deployments: BTreeMap::from([(Component::Post, deployment)]),
        stateful_sets: BTreeMap::from([(Component::MongoDb, set)]),
        ..Found::bare(platform)
    }
}

fn controlled_by(kind: &str, uid: &str) -> Option<Vec<OwnerReference>> {
    Some(vec![OwnerReference {
        api_version: "apps/v1".to_owned(),
        kind: kind.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        ..OwnerReference::default()
    }])
}

fn replica_set(uid: &str, revision: &str) -> ReplicaSet {
    let mut set = ReplicaSet::default();
    set.metadata.uid = Some(uid.to_owned());
    set.metadata.owner_references = controlled_by("Deployment", "deployment-uid");
    set.metadata.annotations = Some(BTreeMap::from([(
        "deployment.kubernetes.io/revision".to_owned(),
        revision.to_owned(),
    )]));
    set
}

/// A pod of post, of the `ReplicaSet` of that UID.
fn post(name: &str, of: &str, state: Option<ContainerState>) -> Pod {
    let mut pod = pod(|status| status.state = state);
    pod.metadata.name = Some(name.to_owned());
    pod.metadata.owner_references = controlled_by("ReplicaSet", of);
    pod
}

/// MongoDB's pod, of that revision.
fn mongodb(mut pod: Pod, revision: &str) -> Pod {
    pod.metadata.name = Some("demo-mongodb-0".to_owned());
    pod.metadata.owner_references = controlled_by("StatefulSet", "set-uid");
    pod.metadata.labels = Some(BTreeMap::from([(
        "controller-revision-hash".to_owned(),
        revision.to_owned(),
    )]));
    pod
}

fn pulls_in_vain() -> Option<ContainerState> {
    waiting("ImagePullBackOff", "Back-off pulling image \"x\"")
}

fn reason(component: Component, pods: Vec<Pod>) -> Option<Reason> {
    let clues = clues(|clues| {
        clues.replica_sets = vec![replica_set("old", "1"), replica_set("new", "2")];
        clues.pods = pods;
    });

    cause(component, &found(), &clues).map(|cause| cause.reason)
}

#[test]
fn only_pods_of_the_newest_template_are_asked() {
    let old = post("a", "old", pulls_in_vain());
    let nobodys = post("b", "somebody-elses", pulls_in_vain());
    let new = post("c", "new", pulls_in_vain());
    assert_eq!(reason(Component::Post, vec![old.clone(), nobodys]), None);
    assert_eq!(
        reason(Component::Post, vec![old, new]),
        Some(Reason::ImageNotPulled)
    );

    let store = || pod(|status| status.state = pulls_in_vain());
    assert_eq!(
        reason(
            Component::MongoDb,
            vec![mongodb(store(), "demo-mongodb-old")]
        ),
        None
    );
    assert_eq!(
        reason(
            Component::MongoDb,
            vec![mongodb(store(), "demo-mongodb-new")]
        ),
        Some(Reason::ImageNotPulled)
    );
}

#[test]
fn what_the_controllers_have_not_seen_the_pods_do_not_know() {
    let mut found = found();
    if let Some(deployment) = found.deployments.get_mut(&Component::Post) {
        deployment.metadata.generation = Some(2);
    }
    let clues = clues(|clues| {
        clues.replica_sets = vec![replica_set("new", "2")];
        clues.pods = vec![post("a", "new", pulls_in_vain())];
    });

    assert_eq!(cause(Component::Post, &found, &clues), None);
}

#[test]
fn pods_that_are_ready_or_on_their_way_out_are_no_cause() {
    let ends = || ended(1, "Error", "");
    let mut ready = post("a", "new", ends());
    if let Some(status) = ready.status.as_mut() {
        status.conditions = Some(vec![condition("Ready", "True", "")]);
    }
    let mut going = post("b", "new", ends());
    going.metadata.deletion_timestamp = Some(at(NOW));

    assert_eq!(reason(Component::Post, vec![ready, going]), None);
}

#[test]
fn the_worst_cause_wins_whichever_pod_has_it() {
    let crashes = post("a", "new", ended(1, "Error", ""));
    let mut waits = unscheduled("0/1 nodes are available: 1 Insufficient cpu.");
    waits.metadata.owner_references = controlled_by("ReplicaSet", "new");
    let pulls = post("z", "new", pulls_in_vain());

    assert_eq!(
        reason(Component::Post, vec![crashes.clone(), waits.clone(), pulls]),
        Some(Reason::ImageNotPulled)
    );
    assert_eq!(
        reason(Component::Post, vec![waits.clone(), crashes]),
        Some(Reason::CrashLooping)
    );
    assert_eq!(
        reason(Component::Post, vec![waits]),
        Some(Reason::Unschedulable)
    );
}

#[test]
fn an_old_pod_of_a_store_that_does_not_end_keeps_the_new_one_away() {
    let mut stuck = mongodb(pod(|status| status.ready = true), "demo-mongodb-old");
    stuck.metadata.deletion_timestamp = Some(at(NOW - 300));

    assert_eq!(
        reason(Component::MongoDb, vec![stuck]),
        Some(Reason::NodeLost)
    );
}

#[test]
fn a_store_without_a_pod_is_refused_one() {
    let clues = clues(|clues| {
        clues.events = vec![event("set-uid", "FailedCreate", 10, "exceeded quota")];
    });
    let found = found();

    assert_eq!(
        told_by_events(Component::MongoDb, &found, &clues),
        ["set-uid"]
    );
    assert_eq!(
        cause(Component::MongoDb, &found, &clues),
        Some(Cause::new(Reason::PodsRefused, "exceeded quota"))
    );
}

/// What the status says of post, after each of the states that its one container is seen in.
fn told(states: Vec<(Option<ContainerState>, Option<ContainerState>)>) -> Vec<(Reason, String)> {
    let mut found = found();
    let mut told = Vec::new();
    for (second, (state, last)) in (0..).zip(states) {
        let mut pod = post("a", "new", state);
        let containers = pod
            .status
            .as_mut()
            .and_then(|status| status.container_statuses.as_mut());
        for container in containers.into_iter().flatten() {
            container.last_state = last.clone();
            container.restart_count = second;
        }
        let clues = clues(|clues| {
            clues.at = at(NOW + i64::from(second)).0;
            clues.replica_sets = vec![replica_set("new", "2")];
            clues.pods = vec![pod];
        });
        let findings = Findings {
            clues: Some(clues),
            ..Findings::default()
        };
        let observed = observe(&found, &findings, false);
        let status = found.platform.status.get_or_insert_default();
        status.observed_generation = Some(1);
        status.components = observed.parts.iter().map(Part::status).collect();
        let post = observed
            .parts
            .into_iter()
            .find(|part| part.component == Component::Post);
        told.extend(post.map(|post| (post.reason, post.message)));
    }

    told
}

/// A status that followed the log's times and the pauses would be written with each restart, for as long as it lasts.
#[test]
fn a_crash_loop_is_written_once() {
    let words = |time: &str, port: u16| {
        format!("{time} # Fatal error: connection from 10.0.0.7:{port} lost after {port} ms")
    };
    let end = |time, port| ended(1, "Error", &words(time, port));
    let pause = |text| waiting("CrashLoopBackOff", text);

    let told = told(vec![
        (end("13:34:11.123", 40_001), None),
        (
            pause("back-off 10s restarting failed container=post"),
            end("13:34:11.123", 40_001),
        ),
        (running(NOW), end("13:34:11.123", 40_001)),
        (end("13:34:29.001", 51_234), end("13:34:11.123", 40_001)),
        (
            pause("back-off 20s restarting failed container=post"),
            end("13:34:29.001", 51_234),
        ),
        (running(NOW), end("13:34:29.001", 51_234)),
        (
            pause("back-off 5m0s restarting failed container=post"),
            end("13:45:00.500", 33_333),
        ),
    ]);

    let first = (
        Reason::CrashLooping,
        format!(
            "container post ended with exit code 1: {}",
            words("13:34:11.123", 40_001)
        ),
    );
    assert_eq!(told, vec![first; 7]);
}

#[test]
fn an_image_that_is_tried_again_and_again_is_written_once() {
    let image = "docker.io/socialplatform/post:9.9.9";
    let failed = |port: u16| {
        let words = format!(
            "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": dial tcp: lookup \
             docker.io: read udp 10.0.0.7:{port}->10.96.0.10:53: i/o timeout"
        );
        (waiting("ErrImagePull", &words), None)
    };
    let pause = || {
        (
            waiting(
                "ImagePullBackOff",
                &format!("Back-off pulling image \"{image}\""),
            ),
            None,
        )
    };

    let told = told(vec![failed(40_001), pause(), failed(51_234), pause()]);

    let first = format!(
        "image {image} cannot be pulled: dial tcp: lookup docker.io: read udp 10.0.0.7:40001->10.96.0.10:53: i/o timeout"
    );
    assert_eq!(told, vec![(Reason::ImageNotPulled, first); 4]);
}

#[test]
fn another_end_is_told_as_such() {
    let told = told(vec![
        (ended(1, "Error", "no space left on device"), None),
        (ended(2, "Error", "no space left on device"), None),
        (ended(2, "Error", "permission denied"), None),
    ]);

    let messages = told.iter().map(|(_, message)| message.as_str());
    assert_eq!(
        messages.collect::<Vec<_>>(),
        [
            "container post ended with exit code 1: no space left on device",
            "container post ended with exit code 2: no space left on device",
            "container post ended with exit code 2: permission denied",
        ]
    );
}
