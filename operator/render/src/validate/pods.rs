//! How the pods of a component run.

use std::collections::BTreeMap;

use operator_api::{
    Autoscaling, PodTraits, Scheduling, ServicePods, Spread, names::is_label_value,
};

use super::{Invalid, invalid};
use crate::{
    defaults,
    platform::{Carried, ContainerResources, Placement, Scale, ServiceShape, Spreading},
};

/// Label and annotation names with these prefixes are the operator's.
const OUR_PREFIXES: [&str; 3] = ["app.kubernetes.io/", "socialplatform.io/", "kubernetes.io/"];

/// How a service runs. `field` is its path in the resource.
pub(super) fn service(
    field: &str,
    pods: ServicePods,
    resources: ContainerResources,
) -> Result<ServiceShape, Invalid> {
    let ServicePods {
        replicas,
        autoscaling,
        traits: of_pods,
    } = pods;
    let (placement, carried) = traits(field, of_pods)?;

    Ok(ServiceShape {
        scale: scale(field, replicas, autoscaling)?,
        resources,
        placement,
        carried,
    })
}

/// Where the pods of any component run, and what they carry.
pub(super) fn traits(field: &str, traits: PodTraits) -> Result<(Placement, Carried), Invalid> {
    let PodTraits {
        scheduling,
        pod_labels,
        pod_annotations,
    } = traits;

    Ok((
        placement(scheduling),
        carried(field, pod_labels, pod_annotations)?,
    ))
}

fn scale(
    field: &str,
    replicas: Option<i32>,
    autoscaling: Option<Autoscaling>,
) -> Result<Scale, Invalid> {
    let Some(autoscaling) = autoscaling else {
        return Ok(Scale::Fixed(replicas.unwrap_or(defaults::REPLICAS)));
    };
    let Autoscaling {
        min_replicas,
        max_replicas,
        target_cpu_percent,
    } = autoscaling;
    let least = min_replicas.unwrap_or(defaults::REPLICAS);
    if replicas.is_some() {
        return Err(invalid(
            &format!("{field}.replicas"),
            "and autoscaling exclude each other",
        ));
    }
    if least > max_replicas {
        return Err(invalid(
            &format!("{field}.autoscaling.minReplicas"),
            "must not be above maxReplicas",
        ));
    }

    Ok(Scale::Between {
        least,
        most: max_replicas,
        cpu_percent: target_cpu_percent.unwrap_or(defaults::TARGET_CPU_PERCENT),
    })
}

fn placement(scheduling: Option<Scheduling>) -> Placement {
    let Scheduling {
        node_selector,
        required_nodes,
        preferred_nodes,
        tolerations,
        spread,
        priority_class_name,
    } = scheduling.unwrap_or_default();
    let Spread {
        topology_key,
        when_unsatisfiable,
    } = spread.unwrap_or_default();

    Placement {
        node_selector,
        required_nodes,
        preferred_nodes,
        tolerations,
        spread: Spreading {
            topology_key: topology_key.unwrap_or_else(|| defaults::TOPOLOGY_KEY.to_owned()),
            when_unsatisfiable: when_unsatisfiable.unwrap_or_default(),
        },
        priority_class: priority_class_name,
    }
}

fn carried(
    field: &str,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
) -> Result<Carried, Invalid> {
    for (field, names) in [
        (format!("{field}.podLabels"), labels.keys()),
        (format!("{field}.podAnnotations"), annotations.keys()),
    ] {
        for name in names {
            free_name(&field, name)?;
        }
    }
    for (name, value) in &labels {
        if !(value.is_empty() || is_label_value(value)) {
            return Err(invalid(
                &format!("{field}.podLabels"),
                format!(
                    "must have label values of letters, digits, dots, hyphens and underscores, and {name} is {value:?}"
                ),
            ));
        }
    }

    Ok(Carried {
        labels,
        annotations,
    })
}

/// A name as Kubernetes takes it, and not one that the operator or Kubernetes itself relies on.
fn free_name(field: &str, name: &str) -> Result<(), Invalid> {
    if let Some(prefix) = OUR_PREFIXES
        .into_iter()
        .find(|prefix| name.starts_with(prefix))
    {
        let problem = format!("must not have the name {name}: names with {prefix} are taken");
        return Err(invalid(field, problem));
    }
    let (prefix, plain) = name.split_once('/').unwrap_or(("a", name));
    let has_good_prefix = prefix
        .split('.')
        .all(|label| is_label_value(label) && !label.contains(['_', '.']));
    if !(has_good_prefix && is_label_value(plain)) {
        let problem = format!(
            "must have names such as example.com/team of at most 63 letters, digits, dots, hyphens and underscores, not {name:?}"
        );
        return Err(invalid(field, problem));
    }

    Ok(())
}
