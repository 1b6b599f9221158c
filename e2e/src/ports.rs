//! Ports of the node that lead to this machine's loopback: a platform that is talked to from outside leases one.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use crate::Cluster;
use crate::settings::NodePort;
use crate::wait::{Look, until};

/// A namespace that is going away gives its port back within this.
const FREE_WITHIN: Duration = Duration::from_secs(120);

/// Node ports that tests of this process hold.
static LEASED: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// A port nobody else uses, until this is dropped.
#[derive(Debug)]
pub struct Lease {
    pub port: NodePort,
}

impl Lease {
    /// Waits for a port that no test and no Service holds.
    pub async fn take(cluster: &Cluster) -> Result<Self> {
        until("a free node port", FREE_WITHIN, async || {
            let holders = holders(cluster).await?;
            let mut leased = leased();
            for port in &cluster.settings.node_ports {
                let is_held = holders.iter().any(|(held, _)| *held == port.node);
                if !is_held && leased.insert(port.node) {
                    return Ok(Look::There(Self { port: *port }));
                }
            }

            Ok(Look::NotYet(format!(
                "leased by tests: {leased:?}; held by Services: {holders:?}"
            )))
        })
        .await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        leased().remove(&self.port.node);
    }
}

fn leased() -> std::sync::MutexGuard<'static, HashSet<u16>> {
    LEASED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every node port in use, and the Service that has it.
async fn holders(cluster: &Cluster) -> Result<Vec<(u16, String)>> {
    let services = Api::<Service>::all(cluster.client.clone())
        .list(&ListParams::default())
        .await?;
    let holders = services.items.iter().flat_map(|service| {
        let ports = service
            .spec
            .as_ref()
            .and_then(|spec| spec.ports.as_deref())
            .unwrap_or_default();
        let name = format!(
            "{}/{}",
            service.namespace().unwrap_or_default(),
            service.name_any()
        );
        ports
            .iter()
            .filter_map(|port| u16::try_from(port.node_port?).ok())
            .map(move |port| (port, name.clone()))
    });

    Ok(holders.collect())
}
