//! What tells a Prometheus to collect the services' metrics. The stores have none of ours.

use operator_api::{Component, names};
use serde_json::json;

use crate::{
    foreign::PodMonitor,
    labels,
    platform::{PodMonitorShape, ValidatedPlatform},
    service::ADMIN,
};

pub(crate) fn pod_monitor(platform: &ValidatedPlatform) -> Option<PodMonitor> {
    let PodMonitorShape {
        labels,
        interval_seconds,
    } = platform.pod_monitor.as_ref()?;
    let services: Vec<_> = Component::ALL
        .into_iter()
        .filter(|component| !component.is_store())
        .collect();
    // It is about the platform as a whole and not about one component.
    let mut metadata = labels::of_the_whole(platform, platform.name.clone());
    let own = metadata.labels.take().unwrap_or_default();
    metadata.labels = Some(labels.clone().into_iter().chain(own).collect());
    let spec = json!({
        "selector": {
            "matchLabels": {
                labels::INSTANCE: platform.name,
                labels::MANAGED_BY: names::MANAGER,
            },
            "matchExpressions": [{ "key": labels::NAME, "operator": "In", "values": services }],
        },
        "podTargetLabels": [labels::NAME, labels::INSTANCE],
        "podMetricsEndpoints": [{
            "port": ADMIN,
            "path": "/metrics",
            "interval": format!("{interval_seconds}s"),
        }],
    });

    Some(PodMonitor::new(metadata, spec))
}
