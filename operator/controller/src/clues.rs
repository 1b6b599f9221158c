//! Reads what says why pods are not ready: the pods, their claims, and what the cluster told of both.
//!
//! A platform at rest costs none of these reads, and none of what is read is needed to go on.

use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Event, Secret};
use k8s_openapi::jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use operator_api::Component;
use serde::de::DeserializeOwned;

use crate::dereference::Found;
use crate::diagnosis::{Clues, told_by_events};
use crate::error::Error;
use crate::workload::Stage;

/// How long the reads may take together.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Objects of which events are asked for in one pass. With more of them in trouble, the first ones tell enough.
const MOST_TOLD_OF: usize = 8;

/// Events of one object. Kubernetes counts those that repeat.
const MOST_EVENTS: u32 = 100;

/// The shortest text that is taken for a secret: what is shorter is part of many words.
const SHORTEST_SECRET: usize = 8;

/// What there is to say of the pods of components that are not rolled out.
pub async fn clues(client: &Client, found: &Found) -> Result<Clues, Error> {
    let none = Clues::none(Timestamp::now());
    let in_trouble = Component::ALL
        .into_iter()
        .filter(|component| {
            found.workload(*component).is_some_and(|workload| {
                !matches!(workload.stage, Stage::RolledOut | Stage::Terminating)
            })
        })
        .collect::<Vec<_>>();
    if in_trouble.is_empty() {
        return Ok(none);
    }

    tokio::time::timeout(READ_WITHIN, read(client, found, &in_trouble, none))
        .await
        .unwrap_or(Err(Error::TimedOut(READ_WITHIN.as_secs())))
}

async fn read(
    client: &Client,
    found: &Found,
    in_trouble: &[Component],
    mut clues: Clues,
) -> Result<Clues, Error> {
    let metadata = &found.platform.metadata;
    let name = metadata.name.as_deref().unwrap_or_default();
    let reader = Reader {
        client,
        namespace: metadata.namespace.as_deref().unwrap_or_default(),
    };
    let ours = ListParams::default().labels(&format!("app.kubernetes.io/instance={name}"));
    let has_stores = in_trouble.iter().any(|component| component.is_store());
    let has_services = in_trouble.iter().any(|component| !component.is_store());
    (clues.pods, clues.replica_sets, clues.claims) = tokio::try_join!(
        reader.list(&ours),
        reader.list_if(has_services, &ours),
        reader.list_if(has_stores, &ours),
    )?;

    let mut told_of = in_trouble
        .iter()
        .flat_map(|component| told_by_events(*component, found, &clues))
        .collect::<Vec<_>>();
    told_of.truncate(MOST_TOLD_OF);
    for uid in told_of {
        let of_it = ListParams::default()
            .fields(&format!("involvedObject.uid={uid}"))
            .limit(MOST_EVENTS);
        clues.events.extend(reader.list::<Event>(&of_it).await?);
    }
    clues.confidential = confidential(found);

    Ok(clues)
}

/// Every secret of the platform, its user's own too. Whole files among them are made of others of these.
fn confidential(found: &Found) -> Vec<String> {
    let secrets = found.secrets.values();
    let secrets = secrets
        .chain(&found.credentials)
        .chain(found.user_secrets.values());
    let texts = secrets.flat_map(|secret: &Secret| secret.data.iter().flatten());
    let mut texts = texts
        .filter_map(|(_, text)| String::from_utf8(text.0.clone()).ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| text.len() >= SHORTEST_SECRET)
        .collect::<Vec<_>>();
    // A secret that is part of another must not leave the rest of that to be read.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));

    texts
}

struct Reader<'a> {
    client: &'a Client,
    namespace: &'a str,
}

impl Reader<'_> {
    async fn list<K>(&self, which: &ListParams) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let objects = Api::<K>::namespaced(self.client.clone(), self.namespace);
        let list = objects
            .list(which)
            .await
            .map_err(Error::api(format!("list {}", K::plural(&()))))?;

        Ok(list.items)
    }

    async fn list_if<K>(&self, is_wanted: bool, which: &ListParams) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        match is_wanted {
            true => self.list(which).await,
            false => Ok(Vec::new()),
        }
    }
}
