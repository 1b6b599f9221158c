//! Where pods may run, in Kubernetes' own terms.

use k8s_openapi::api::core::v1::{
    Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm,
    PreferredSchedulingTerm, Toleration,
};
use operator_api::{NodeOperator, NodeRequirement, TaintEffect, TolerationOperator};

/// What every preference weighs, of 1 to 100.
const WEIGHT: i32 = 1;

pub(crate) fn affinity(
    required: &[NodeRequirement],
    preferred: &[NodeRequirement],
) -> Option<Affinity> {
    if required.is_empty() && preferred.is_empty() {
        return None;
    }
    let term = |requirements: &[NodeRequirement]| NodeSelectorTerm {
        match_expressions: Some(requirements.iter().map(expression).collect()),
        match_fields: None,
    };
    // Terms are alternatives; within one, everything has to hold.
    let required = (!required.is_empty()).then(|| NodeSelector {
        node_selector_terms: vec![term(required)],
    });
    let preferred = preferred
        .iter()
        .map(|requirement| PreferredSchedulingTerm {
            weight: WEIGHT,
            preference: term(std::slice::from_ref(requirement)),
        })
        .collect::<Vec<_>>();

    Some(Affinity {
        node_affinity: Some(NodeAffinity {
            required_during_scheduling_ignored_during_execution: required,
            preferred_during_scheduling_ignored_during_execution: (!preferred.is_empty())
                .then_some(preferred),
        }),
        ..Affinity::default()
    })
}

pub(crate) fn tolerations(tolerations: &[operator_api::Toleration]) -> Option<Vec<Toleration>> {
    (!tolerations.is_empty()).then(|| tolerations.iter().map(toleration).collect())
}

fn expression(requirement: &NodeRequirement) -> NodeSelectorRequirement {
    let NodeRequirement {
        key,
        operator,
        values,
    } = requirement;
    let operator = match operator {
        NodeOperator::In => "In",
        NodeOperator::NotIn => "NotIn",
        NodeOperator::Exists => "Exists",
        NodeOperator::DoesNotExist => "DoesNotExist",
    };

    NodeSelectorRequirement {
        key: key.clone(),
        operator: operator.to_owned(),
        values: (!values.is_empty()).then(|| values.clone()),
    }
}

fn toleration(toleration: &operator_api::Toleration) -> Toleration {
    let operator_api::Toleration {
        key,
        operator,
        value,
        effect,
        toleration_seconds,
    } = toleration.clone();
    let operator = match operator.unwrap_or_default() {
        TolerationOperator::Equal => "Equal",
        TolerationOperator::Exists => "Exists",
    };
    let effect = effect.map(|effect| match effect {
        TaintEffect::NoSchedule => "NoSchedule",
        TaintEffect::PreferNoSchedule => "PreferNoSchedule",
        TaintEffect::NoExecute => "NoExecute",
    });

    Toleration {
        key,
        operator: Some(operator.to_owned()),
        value,
        effect: effect.map(str::to_owned),
        toleration_seconds,
    }
}
