//! How far a Deployment or a StatefulSet is with its pods, read from what it says of itself.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;

/// Numbers of pods, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    pub desired: i32,
    pub ready: i32,
    pub updated: i32,
    pub stage: Stage,
}

/// In the order in which they outweigh each other: what is refused is not merely short of pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It is being deleted, and comes back after that.
    Terminating,
    /// The cluster refuses to make pods; its own words.
    Refused(String),
    /// Pods are not of the wanted template yet, or some of an older one are left.
    Rolling,
    /// The rollout made no progress within its deadline; its own words.
    Stuck(String),
    /// Every pod is of the wanted template; fewer than needed are ready.
    Short,
    /// As many pods as are needed, and every pod of the wanted template.
    RolledOut,
}

impl Workload {
    /// With an `autoscaler` the number of pods follows the load, and a pod on its way or on its way out is no rollout: the
    /// smallest number it may set is needed, and who is there is of the wanted template.
    pub fn of_deployment(
        deployment: &Deployment,
        autoscaler: Option<&HorizontalPodAutoscaler>,
    ) -> Self {
        let status = deployment.status.clone().unwrap_or_default();
        let desired = deployment
            .spec
            .as_ref()
            .and_then(|spec| spec.replicas)
            .unwrap_or(1);
        let updated = status.updated_replicas.unwrap_or(0);
        let available = status.available_replicas.unwrap_or(0);
        let existing = status.replicas.unwrap_or(0);
        let (needed, surplus) = match autoscaler {
            Some(autoscaler) => (fewest(autoscaler), existing - updated),
            None => (desired, existing - desired.min(updated)),
        };
        let is_observed = status.observed_generation >= deployment.metadata.generation;
        let words = |type_: &str, value: &str| {
            let mut conditions = status.conditions.iter().flatten();
            conditions
                .find(|condition| condition.type_ == type_ && condition.status == value)
                .map(|condition| {
                    (
                        condition.reason.as_deref(),
                        condition.message.clone().unwrap_or_default(),
                    )
                })
        };

        let stage = if deployment.metadata.deletion_timestamp.is_some() {
            Stage::Terminating
        } else if !is_observed {
            Stage::Rolling
        } else if autoscaler.is_some() && surplus <= 0 && updated.min(available) >= needed {
            // What the autoscaler cannot add is no failure of the template.
            Stage::RolledOut
        } else if let Some((_, message)) = words("ReplicaFailure", "True") {
            Stage::Refused(message)
        } else if let Some((Some("ProgressDeadlineExceeded"), message)) =
            words("Progressing", "False")
        {
            Stage::Stuck(message)
        } else if updated < needed || surplus > 0 {
            Stage::Rolling
        } else if available < needed {
            Stage::Short
        } else {
            Stage::RolledOut
        };

        Self {
            desired,
            ready: status.ready_replicas.unwrap_or(0),
            updated,
            stage,
        }
    }

    pub fn of_stateful_set(set: &StatefulSet) -> Self {
        let status = set.status.clone().unwrap_or_default();
        let desired = set
            .spec
            .as_ref()
            .and_then(|spec| spec.replicas)
            .unwrap_or(1);
        // Once a rollout is complete the controller counts under `current` only what is of the same revision.
        let is_one_revision = status.current_revision == status.update_revision;
        let updated = status.updated_replicas.unwrap_or(0);
        let is_observed = status.observed_generation >= set.metadata.generation;

        let stage = if set.metadata.deletion_timestamp.is_some() {
            Stage::Terminating
        } else if !is_observed || !is_one_revision || updated < desired || status.replicas > desired
        {
            Stage::Rolling
        } else if status.available_replicas.unwrap_or(0) < desired {
            Stage::Short
        } else {
            Stage::RolledOut
        };

        Self {
            desired,
            ready: status.ready_replicas.unwrap_or(0),
            updated,
            stage,
        }
    }
}

/// The smallest number of pods an autoscaler sets; the API server's default is 1.
fn fewest(autoscaler: &HorizontalPodAutoscaler) -> i32 {
    let spec = autoscaler.spec.as_ref();

    spec.and_then(|spec| spec.min_replicas).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::{
        DeploymentCondition, DeploymentSpec, DeploymentStatus, StatefulSetSpec, StatefulSetStatus,
    };
    use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    /// Two pods wanted, all there and ready, before `change`.
    fn deployment(change: impl FnOnce(&mut DeploymentStatus)) -> Workload {
        scaled_by(None, change)
    }

    /// The same with an autoscaler that sets at least `fewest`.
    fn autoscaled(fewest: i32, change: impl FnOnce(&mut DeploymentStatus)) -> Stage {
        let autoscaler = HorizontalPodAutoscaler {
            spec: Some(HorizontalPodAutoscalerSpec {
                min_replicas: Some(fewest),
                ..HorizontalPodAutoscalerSpec::default()
            }),
            ..HorizontalPodAutoscaler::default()
        };

        scaled_by(Some(&autoscaler), change).stage
    }

    fn scaled_by(
        autoscaler: Option<&HorizontalPodAutoscaler>,
        change: impl FnOnce(&mut DeploymentStatus),
    ) -> Workload {
        let mut status = DeploymentStatus {
            observed_generation: Some(3),
            replicas: Some(2),
            updated_replicas: Some(2),
            ready_replicas: Some(2),
            available_replicas: Some(2),
            ..DeploymentStatus::default()
        };
        change(&mut status);
        let deployment = Deployment {
            metadata: ObjectMeta {
                generation: Some(3),
                ..ObjectMeta::default()
            },
            spec: Some(DeploymentSpec {
                replicas: Some(2),
                ..DeploymentSpec::default()
            }),
            status: Some(status),
        };

        Workload::of_deployment(&deployment, autoscaler)
    }

    fn stateful_set(change: impl FnOnce(&mut StatefulSetStatus)) -> Stage {
        let mut status = StatefulSetStatus {
            observed_generation: Some(1),
            replicas: 1,
            updated_replicas: Some(1),
            ready_replicas: Some(1),
            available_replicas: Some(1),
            current_revision: Some("a".to_owned()),
            update_revision: Some("a".to_owned()),
            ..StatefulSetStatus::default()
        };
        change(&mut status);
        let set = StatefulSet {
            metadata: ObjectMeta {
                generation: Some(1),
                ..ObjectMeta::default()
            },
            spec: Some(StatefulSetSpec {
                replicas: Some(1),
                ..StatefulSetSpec::default()
            }),
            status: Some(status),
        };
        Workload::of_stateful_set(&set).stage
    }

    fn condition(type_: &str, status: &str, reason: &str) -> Option<Vec<DeploymentCondition>> {
        Some(vec![DeploymentCondition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some("in its own words".to_owned()),
            ..DeploymentCondition::default()
        }])
    }

    #[test]
    fn all_pods_updated_and_available_is_rolled_out() {
        assert_eq!(
            deployment(|_| {}),
            Workload {
                desired: 2,
                ready: 2,
                updated: 2,
                stage: Stage::RolledOut
            }
        );
        assert_eq!(stateful_set(|_| {}), Stage::RolledOut);
    }

    #[test]
    fn a_status_of_an_older_generation_proves_nothing() {
        assert_eq!(
            deployment(|status| status.observed_generation = Some(2)).stage,
            Stage::Rolling
        );
        assert_eq!(
            deployment(|status| status.observed_generation = None).stage,
            Stage::Rolling
        );
        assert_eq!(
            stateful_set(|status| status.observed_generation = None),
            Stage::Rolling
        );
    }

    #[test]
    fn a_pod_of_the_old_template_keeps_it_rolling() {
        assert_eq!(
            deployment(|status| status.replicas = Some(3)).stage,
            Stage::Rolling
        );
        assert_eq!(
            deployment(|status| status.updated_replicas = Some(1)).stage,
            Stage::Rolling
        );
        assert_eq!(
            stateful_set(|status| status.update_revision = Some("b".to_owned())),
            Stage::Rolling
        );
    }

    #[test]
    fn a_pod_that_is_one_too_many_keeps_it_rolling() {
        let scaled_down = |status: &mut DeploymentStatus| {
            status.replicas = Some(3);
            status.updated_replicas = Some(3);
        };

        assert_eq!(deployment(scaled_down).stage, Stage::Rolling);
    }

    #[test]
    fn an_autoscaler_that_adds_and_removes_pods_rolls_nothing_out() {
        let adds = |status: &mut DeploymentStatus| {
            status.replicas = Some(1);
            status.updated_replicas = Some(1);
            status.available_replicas = Some(1);
        };
        let removes = |status: &mut DeploymentStatus| {
            status.replicas = Some(3);
            status.updated_replicas = Some(3);
        };
        let cannot_start_one = |status: &mut DeploymentStatus| status.available_replicas = Some(1);

        let may_not_add_one = |status: &mut DeploymentStatus| {
            adds(status);
            status.conditions = condition("ReplicaFailure", "True", "FailedCreate");
        };
        let cannot_add_one_in_time = |status: &mut DeploymentStatus| {
            cannot_start_one(status);
            status.conditions = condition("Progressing", "False", "ProgressDeadlineExceeded");
        };

        assert_eq!(autoscaled(1, may_not_add_one), Stage::RolledOut);
        assert_eq!(autoscaled(1, cannot_add_one_in_time), Stage::RolledOut);
        assert_eq!(autoscaled(1, adds), Stage::RolledOut);
        assert_eq!(autoscaled(1, removes), Stage::RolledOut);
        assert_eq!(autoscaled(1, cannot_start_one), Stage::RolledOut);
        assert_eq!(autoscaled(2, adds), Stage::Rolling);
        assert_eq!(autoscaled(2, cannot_start_one), Stage::Short);
        assert_eq!(autoscaled(3, |_| {}), Stage::Rolling);
    }

    #[test]
    fn an_autoscaled_pod_of_the_old_template_keeps_it_rolling() {
        assert_eq!(
            autoscaled(1, |status| status.replicas = Some(3)),
            Stage::Rolling
        );
        assert_eq!(
            autoscaled(1, |status| status.updated_replicas = Some(1)),
            Stage::Rolling
        );
        assert_eq!(
            autoscaled(1, |status| status.updated_replicas = Some(0)),
            Stage::Rolling
        );
    }

    #[test]
    fn updated_pods_that_are_not_available_leave_it_short() {
        assert_eq!(
            deployment(|status| status.available_replicas = None).stage,
            Stage::Short
        );
        assert_eq!(
            stateful_set(|status| status.available_replicas = Some(0)),
            Stage::Short
        );
    }

    #[test]
    fn a_passed_deadline_and_refused_pods_are_told_in_the_clusters_words() {
        let stuck = deployment(|status| {
            status.conditions = condition("Progressing", "False", "ProgressDeadlineExceeded")
        });
        let refused = deployment(|status| {
            status.conditions = condition("ReplicaFailure", "True", "FailedCreate")
        });

        assert_eq!(stuck.stage, Stage::Stuck("in its own words".to_owned()));
        assert_eq!(refused.stage, Stage::Refused("in its own words".to_owned()));
    }

    #[test]
    fn a_deployment_nobody_has_looked_at_has_no_pods() {
        let fresh = Deployment {
            metadata: ObjectMeta {
                generation: Some(1),
                ..ObjectMeta::default()
            },
            ..Deployment::default()
        };

        assert_eq!(
            Workload::of_deployment(&fresh, None),
            Workload {
                desired: 1,
                ready: 0,
                updated: 0,
                stage: Stage::Rolling
            }
        );
    }
}
