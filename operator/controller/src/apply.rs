//! Writes: every object of a platform, by server-side apply, and only when that can change something.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use operator_api::{Component, names};
use operator_render::{Objects, ServiceObjects, StoreObjects};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{info, warn};

use crate::dereference::Found;
use crate::error::Error;
use crate::memory::{Memory, fingerprint};
use crate::tier::awaited;

/// Whose the fields are that we set. A field that somebody else takes from us is taken back.
pub const FIELD_MANAGER: &str = names::MANAGER;

/// Makes the cluster what `objects` say, and `found` what the API server answered.
///
/// A failure does not keep the other objects from being applied; the first one is returned. Nothing is applied to an
/// object that is not ours: [`Found::belongs_to_the_platform`] comes first.
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
    } = objects;
    let namespace = found
        .platform
        .metadata
        .namespace
        .clone()
        .unwrap_or_default();
    let mut writer = Writer {
        client,
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
        let StoreObjects {
            secret,
            service,
            stateful_set,
        } = objects;
        writer.put_in(&mut found.secrets, component, secret).await;
        writer.put_in(&mut found.services, component, service).await;
        writer
            .put_in(&mut found.stateful_sets, component, stateful_set)
            .await;
    }

    for (component, objects) in [
        (Component::Identity, identity),
        (Component::Post, post),
        (Component::Media, media),
        (Component::Search, search),
        (Component::Gateway, gateway),
    ] {
        let ServiceObjects {
            secret,
            service,
            deployment,
        } = objects;
        writer.put_in(&mut found.secrets, component, secret).await;
        writer.put_in(&mut found.services, component, service).await;
        if found.deployments.contains_key(&component) || writer.may_make(component, found) {
            writer
                .put_in(&mut found.deployments, component, deployment)
                .await;
        }
    }

    writer.failure.map_or(Ok(()), Err)
}

struct Writer<'a> {
    client: &'a Client,
    namespace: String,
    memory: &'a mut Memory,
    failure: Option<Error>,
}

impl Writer<'_> {
    fn may_make(&self, component: Component, found: &Found) -> bool {
        let mongodb_is_set_up = self.memory.mongodb_is_set_up();

        awaited(component, |component| {
            found.is_up(component, mongodb_is_set_up)
        })
        .is_empty()
    }

    async fn put_in<K>(
        &mut self,
        found: &mut BTreeMap<Component, K>,
        component: Component,
        wanted: K,
    ) where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let live = found.remove(&component);
        if let Some(live) = self.put(live, wanted).await {
            found.insert(component, live);
        }
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

        match self.write(live.as_ref(), &wanted).await {
            Ok(answer) => {
                self.memory.has_applied(&wanted, &answer);
                Some(answer)
            }
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "{error}");
                self.failure.get_or_insert(error);
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
        .map_err(Error::api(format!("apply {kind} {name}")))?;
        // An operator that has just started applies everything once, mostly to no effect.
        if live.map(fingerprint) != Some(fingerprint(&answer)) {
            info!(object.kind = %kind, object.name = name, "applied");
        }

        Ok(answer)
    }
}
