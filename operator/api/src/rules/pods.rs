//! Rules of how pods run.

use kube::core::Rule;

use super::{number_or, rule};

pub(crate) fn replicas_are_fixed_or_follow() -> Rule {
    rule(
        "!has(self.replicas) || !has(self.autoscaling)",
        "replicas and autoscaling exclude each other: leave replicas out, minReplicas and maxReplicas bound it",
    )
}

pub(crate) fn least_pods_are_not_above_most() -> Rule {
    rule(
        &format!(
            "{} <= self.maxReplicas",
            number_or("self", &["minReplicas"], 1)
        ),
        "minReplicas must not be above maxReplicas",
    )
}

pub(crate) fn values_go_with_the_operator() -> Rule {
    rule(
        "self.operator in ['In', 'NotIn'] ? has(self.values) && self.values.size() > 0 : !has(self.values) || self.values.size() == 0",
        "values must be given with In and NotIn, and left out with Exists and DoesNotExist",
    )
}

pub(crate) fn toleration_of_everything_exists() -> Rule {
    rule(
        "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
        "a toleration without key tolerates everything and needs the operator Exists",
    )
}

pub(crate) fn toleration_that_exists_has_no_value() -> Rule {
    rule(
        "!has(self.value) || !has(self.operator) || self.operator == 'Equal'",
        "value is only for the operator Equal",
    )
}

pub(crate) fn only_eviction_is_put_off() -> Rule {
    rule(
        "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
        "tolerationSeconds is only for the effect NoExecute",
    )
}
