//! Writes: every object of a platform, by server-side apply, and only when that can change something.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::Resource as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, Preconditions};
use kube::{Api, Client, Resource};
use operator_api::{Component, SocialPlatform, names};
use operator_render::{HttpRoute, Objects, PodMonitor, ServiceObjects, StoreObjects};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tracing::{info, warn};

use crate::dereference::{Found, NOT_FOUND};
use crate::error::Error;
use crate::memory::{Memory, fingerprint};
use crate::ownership::Owner;
use crate::tier::awaited;
use crate::upgrade;

/// Whose the fields are that we set. A field that somebody else takes from us is taken back.
pub const FIELD_MANAGER: &str = names::MANAGER;

/// Whose the number of pods is between the operator and an autoscaler.
const SCALE_MANAGER: &str = "socialplatform-operator-scale";

/// Makes the cluster what `objects` say, and `found` what the API server answered.
///
/// A failure does not keep the other objects from being applied; the first one is returned. Nothing is applied to an
/// object that is not ours, or removed: [`Found::belongs_to_the_platform`] comes first.
pub async fn apply(
    client: &Client,
    found: &mut Found,
    objects: Objects,
    memory: &mut Memory,
) -> Result<(), Error> {
    let Objects {
        jwks,
        mongodb,
        redis,
        rabbitmq,
        identity,
        post,
        media,
        search,
        gateway,
        ingress,
        http_route,
        pod_monitor,
    } = objects;
    let namespace = found
        .platform
        .metadata
        .namespace
        .clone()
        .unwrap_or_default();
    let mut writer = Writer {
        client,
        platform: found.platform.clone(),
        namespace,
        memory,
        failure: None,
    };

    found.jwks = writer.put(found.jwks.take(), jwks).await;

    for (component, objects) in [
        (Component::MongoDb, mongodb),
        (Component::Redis, redis),
        (Component::RabbitMq, rabbitmq),
    ] {
        let Some(objects) = objects else {
            continue;
        };
        writer.store(found, component, objects).await;
    }

    // In the order in which they get a new version.
    for (component, objects) in [
        (Component::Identity, identity),
        (Component::Post, post),
        (Component::Media, media),
        (Component::Search, search),
        (Component::Gateway, gateway),
    ] {
        writer.service(found, component, objects).await;
    }

    found.ingress = writer.settle(found.ingress.take(), ingress).await;
    found.http_route = writer.settle(found.http_route.take(), http_route).await;
    found.pod_monitor = writer.settle(found.pod_monitor.take(), pod_monitor).await;

    writer.failure.map_or(Ok(()), Err)
}

struct Writer<'a> {
    client: &'a Client,
    platform: SocialPlatform,
    namespace: String,
    memory: &'a mut Memory,
    failure: Option<Error>,
}

impl Writer<'_> {
    async fn store(&mut self, found: &mut Found, component: Component, objects: StoreObjects) {
        let StoreObjects {
            secret,
            service,
            network_policy,
            stateful_set,
        } = objects;

        self.settle_in(&mut found.secrets, component, secret).await;
        self.settle_in(&mut found.services, component, service)
            .await;
        self.settle_in(&mut found.network_policies, component, network_policy)
            .await;
        self.settle_in(&mut found.stateful_sets, component, stateful_set)
            .await;
    }

    async fn service(&mut self, found: &mut Found, component: Component, objects: ServiceObjects) {
        let ServiceObjects {
            secret,
            service,
            network_policy,
            disruption_budget,
            deployment,
            autoscaler,
        } = objects;
        let version = upgrade::version_of(&deployment).unwrap_or_default();
        let is_held_back = upgrade::held_back(found, version).contains_key(&component);
        let may_be_made =
            found.deployments.contains_key(&component) || self.may_make(component, found);

        self.settle_in(&mut found.secrets, component, secret).await;
        self.settle_in(&mut found.services, component, service)
            .await;
        self.settle_in(&mut found.network_policies, component, network_policy)
            .await;
        self.settle_in(&mut found.disruption_budgets, component, disruption_budget)
            .await;
        // One that scales what nobody wants scaled any more goes first, one that is new comes last.
        let is_autoscaled = autoscaler.is_some();
        if !is_autoscaled {
            self.settle_in(&mut found.autoscalers, component, None)
                .await;
        }
        if may_be_made && !is_held_back {
            let may_let_go = match found.deployments.get(&component) {
                Some(live) if is_autoscaled => self.let_go_of_replicas(live).await,
                _ => true,
            };
            // Without it the next write would take the service to one pod.
            if !may_let_go {
                return;
            }
            self.settle_in(&mut found.deployments, component, deployment)
                .await;
        }
        if is_autoscaled {
            self.settle_in(&mut found.autoscalers, component, autoscaler)
                .await;
        }
    }

    /// Leaves the number of pods as it is to whoever scales from here on. A field that nobody applies any more falls back to
    /// its default, and a platform of ten pods each would have one until the autoscaler looks.
    async fn let_go_of_replicas(&mut self, live: &Deployment) -> bool {
        if !applies_replicas(&live.metadata) {
            return true;
        }
        let name = live.metadata.name.clone().unwrap_or_default();
        let patch = json!({
            "apiVersion": Deployment::api_version(&()),
            "kind": Deployment::kind(&()),
            "metadata": { "name": name, "uid": live.metadata.uid },
            "spec": { "replicas": live.spec.as_ref().and_then(|spec| spec.replicas) },
        });
        let deployments = Api::<Deployment>::namespaced(self.client.clone(), &self.namespace);
        let parameters = PatchParams::apply(SCALE_MANAGER).force();
        let handed_over = deployments
            .patch(&name, &parameters, &Patch::Apply(&patch))
            .await
            .map_err(Error::api(format!(
                "hand over the scale of Deployment {name}"
            )));
        if let Err(error) = handed_over {
            self.has_failed(error);
            return false;
        }

        true
    }

    fn may_make(&self, component: Component, found: &Found) -> bool {
        let mongodb_is_set_up = self.memory.mongodb_is_set_up();

        awaited(component, |component| {
            found.is_up(component, mongodb_is_set_up)
        })
        .is_empty()
    }

    async fn settle_in<K>(
        &mut self,
        found: &mut BTreeMap<Component, K>,
        component: Component,
        wanted: impl Into<Option<K>>,
    ) where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let live = found.remove(&component);
        if let Some(live) = self.settle(live, wanted.into()).await {
            found.insert(component, live);
        }
    }

    /// As [`Self::put`], of an object that may not be wanted: then it goes. What somebody else made under its name is left
    /// alone, and in the way only of what is wanted.
    async fn settle<K>(&mut self, live: Option<K>, wanted: Option<K>) -> Option<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let owner = live
            .as_ref()
            .map(|live| Owner::of(live.meta(), &self.platform));
        match (live, wanted, owner) {
            (live, Some(wanted), None | Some(Owner::Ours)) => self.put(live, wanted).await,
            (Some(live), Some(_), Some(owner)) => {
                let name = live.meta().name.clone().unwrap_or_default();
                if let Some(error) = Error::in_the_way(owner, K::kind(&()).into_owned(), name) {
                    self.has_failed(error);
                }
                Some(live)
            }
            (Some(live), None, Some(Owner::Ours)) => self.remove(live).await,
            (live, ..) => live,
        }
    }

    /// What is left of the object after this.
    async fn remove<K>(&mut self, live: K) -> Option<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        if live.meta().deletion_timestamp.is_some() {
            return Some(live);
        }
        let kind = K::kind(&());
        let name = live.meta().name.clone().unwrap_or_default();
        // The very object that was read, as it was read: not one that took its name, and not one that somebody made his own.
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                uid: live.meta().uid.clone(),
                resource_version: live.meta().resource_version.clone(),
            }),
            ..DeleteParams::background()
        };
        let objects = Api::<K>::namespaced(self.client.clone(), &self.namespace);

        match objects.delete(&name, &parameters).await {
            Ok(_) => {
                info!(object.kind = %kind, object.name = name, "removed");
                None
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => None,
            Err(error) => {
                self.has_failed(Error::api(format!("remove {kind} {name}"))(error));
                Some(live)
            }
        }
    }

    fn has_failed(&mut self, error: Error) {
        warn!(error = &error as &dyn std::error::Error, "{error}");
        self.failure.get_or_insert(error);
    }

    /// The object as it is after this, whether or not that took a write, or could be done.
    async fn put<K>(&mut self, live: Option<K>, wanted: K) -> Option<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        if let Some(live) = &live {
            // What is going cannot be kept; it is made again once it is gone, and the watch tells when.
            let is_going = live.meta().deletion_timestamp.is_some();
            if is_going || self.memory.is_applied(&wanted, live) {
                return Some(live.clone());
            }
        }

        // Every other write would be refused as well.
        if matches!(self.failure, Some(Error::NamespaceTerminating(_))) {
            return live;
        }

        match self.write(live.as_ref(), &wanted).await {
            Ok(answer) => {
                self.memory.has_applied(&wanted, &answer);
                Some(answer)
            }
            Err(error) => {
                self.has_failed(error);
                live
            }
        }
    }

    async fn write<K>(&self, live: Option<&K>, wanted: &K) -> Result<K, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let kind = K::kind(&());
        let name = wanted.meta().name.clone().unwrap_or_default();
        let mut patch = wanted.clone();
        // The object that was found to be ours, not one that took its name meanwhile.
        patch.meta_mut().uid = live.and_then(|live| live.meta().uid.clone());

        let objects = Api::<K>::namespaced(self.client.clone(), &self.namespace);
        let parameters = PatchParams::apply(FIELD_MANAGER).force();

        let answer = match objects
            .patch(&name, &parameters, &Patch::Apply(&patch))
            .await
        {
            // Applying leaves alone what somebody added to a list, such as a Service's ports, and that can contradict
            // ours. A merge replaces whole lists; if that is refused as well, the first refusal says why.
            Err(kube::Error::Api(refusal)) if refusal.is_invalid() && live.is_some() => {
                let parameters = PatchParams {
                    force: false,
                    ..parameters
                };
                let merged = objects
                    .patch(&name, &parameters, &Patch::Merge(&patch))
                    .await;
                merged.map_err(|_refused_too| kube::Error::Api(refusal))
            }
            answer => answer,
        }
        .map_err(|error| match error {
            kube::Error::Api(status) if status.code == NOT_FOUND && is_foreign(&kind) => {
                Error::KindMissing {
                    kind: kind.clone().into_owned(),
                    api_version: K::api_version(&()).into_owned(),
                }
            }
            error => Error::api(format!("apply {kind} {name}"))(error),
        })?;
        // An operator that has just started applies everything once, mostly to no effect.
        if live.map(fingerprint) != Some(fingerprint(&answer)) {
            info!(object.kind = %kind, object.name = name, "applied");
        }

        Ok(answer)
    }
}

/// Whether a cluster has the kind only when somebody installed it.
fn is_foreign(kind: &str) -> bool {
    [HttpRoute::KIND, PodMonitor::KIND].contains(&kind)
}

/// Whether the number of pods is a field that the operator applies.
fn applies_replicas(metadata: &ObjectMeta) -> bool {
    metadata.managed_fields.iter().flatten().any(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
            && entry
                .fields_v1
                .as_ref()
                .is_some_and(|fields| !fields.0["f:spec"]["f:replicas"].is_null())
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};

    use super::*;

    fn managed_by(manager: &str, operation: &str, fields: serde_json::Value) -> ObjectMeta {
        ObjectMeta {
            managed_fields: Some(vec![ManagedFieldsEntry {
                manager: Some(manager.to_owned()),
                operation: Some(operation.to_owned()),
                fields_v1: Some(FieldsV1(fields)),
                ..ManagedFieldsEntry::default()
            }]),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn the_number_of_pods_is_handed_over_only_by_whom_it_belongs_to() {
        let replicas = json!({ "f:spec": { "f:replicas": {} } });
        let template = json!({ "f:spec": { "f:template": {} } });

        assert!(applies_replicas(&managed_by(
            FIELD_MANAGER,
            "Apply",
            replicas.clone()
        )));
        for other in [
            managed_by(FIELD_MANAGER, "Apply", template),
            managed_by(SCALE_MANAGER, "Apply", replicas.clone()),
            managed_by("kube-controller-manager", "Update", replicas),
        ] {
            assert!(!applies_replicas(&other), "{other:?}");
        }
    }
}
