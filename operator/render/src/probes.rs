//! How Kubernetes asks a container whether it started, whether it can serve, and whether it is stuck.

use k8s_openapi::{
    api::core::v1::{HTTPGetAction, Probe, TCPSocketAction},
    apimachinery::pkg::util::intstr::IntOrString,
};

/// The three probes of a container.
pub(crate) struct Probes {
    pub startup: Probe,
    pub readiness: Probe,
    pub liveness: Probe,
}

/// Probes of our services, on the admin port. A dependency that is away makes a service not ready, never restarted: a restart would
/// not bring it back.
pub(crate) fn of_service() -> Probes {
    let ask = |path: &str| Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("admin".to_owned()),
            ..HTTPGetAction::default()
        }),
        timeout_seconds: Some(3),
        failure_threshold: Some(3),
        ..Probe::default()
    };

    Probes {
        startup: Probe {
            period_seconds: Some(1),
            failure_threshold: Some(60),
            ..ask("/healthz")
        },
        readiness: Probe {
            period_seconds: Some(2),
            ..ask("/readyz")
        },
        liveness: Probe {
            period_seconds: Some(10),
            ..ask("/healthz")
        },
    }
}

/// Probes of a store: whether its port is open. Commands of the image would depend on the image, and asking through the protocol
/// would need its credentials. `startup_seconds` covers the recovery of a large volume after a crash.
pub(crate) fn of_store(port_name: &str, startup_seconds: i32) -> Probes {
    let connect = Probe {
        tcp_socket: Some(TCPSocketAction {
            port: IntOrString::String(port_name.to_owned()),
            host: None,
        }),
        timeout_seconds: Some(3),
        failure_threshold: Some(3),
        ..Probe::default()
    };

    Probes {
        startup: Probe {
            period_seconds: Some(1),
            failure_threshold: Some(startup_seconds),
            ..connect.clone()
        },
        readiness: Probe {
            period_seconds: Some(5),
            ..connect.clone()
        },
        liveness: Probe {
            period_seconds: Some(20),
            failure_threshold: Some(6),
            ..connect
        },
    }
}
