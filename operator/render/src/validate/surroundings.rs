//! How a platform fits into its cluster.

use operator_api::{Monitoring, NetworkPolicy, PodMonitor};

use crate::{defaults, platform::PodMonitorShape};

pub(super) fn is_fenced(policy: NetworkPolicy) -> bool {
    let NetworkPolicy { enabled } = policy;

    enabled.unwrap_or(true)
}

pub(super) fn pod_monitor(monitoring: Monitoring) -> Option<PodMonitorShape> {
    let Monitoring { pod_monitor } = monitoring;

    pod_monitor.map(
        |PodMonitor {
             labels,
             interval_seconds,
         }| PodMonitorShape {
            labels,
            interval_seconds: interval_seconds.unwrap_or(defaults::METRICS_INTERVAL_SECONDS),
        },
    )
}
