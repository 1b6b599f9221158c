//! Reads: the platform and everything in the cluster that has a name of the platform's objects.
//!
//! Reading by name and not by label finds what somebody else put there, or what somebody took the labels from.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{ApiResource, DynamicObject, ObjectMeta};
use kube::{Api, Client, Resource};
use operator_api::names::{credentials_name, jwks_name};
use operator_api::{Component, ConditionType, SocialPlatform, SocialPlatformSpec, object_name};
use operator_render::{HttpRoute, PodMonitor};
use serde::de::DeserializeOwned;

use crate::conditions::is_true;
use crate::error::Error;
use crate::ownership::Owner;
use crate::watch::PlatformName;
use crate::workload::{Stage, Workload};

/// One platform, and what was found under the names of its objects, whoever made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub platform: SocialPlatform,
    /// Why the spec is not a `SocialPlatformSpec`, if it is not. It was stored under another schema then.
    pub unreadable: Option<String>,
    /// The one the resource names, or the one that is made for it.
    pub credentials: Option<Secret>,
    /// The user's own, by their names, which the resource gives for places of the user's own.
    pub user_secrets: BTreeMap<String, Secret>,
    pub jwks: Option<ConfigMap>,
    pub secrets: BTreeMap<Component, Secret>,
    pub services: BTreeMap<Component, Service>,
    pub network_policies: BTreeMap<Component, NetworkPolicy>,
    pub disruption_budgets: BTreeMap<Component, PodDisruptionBudget>,
    pub deployments: BTreeMap<Component, Deployment>,
    pub autoscalers: BTreeMap<Component, HorizontalPodAutoscaler>,
    pub stateful_sets: BTreeMap<Component, StatefulSet>,
    pub ingress: Option<Ingress>,
    pub http_route: Option<HttpRoute>,
    pub pod_monitor: Option<PodMonitor>,
}

/// The platform alone; `None` when there is none.
pub async fn platform(client: &Client, name: &PlatformName) -> Result<Option<Found>, Error> {
    let found = stored_platform(client, name).await?;

    Ok(found.map(|(platform, unreadable)| Found {
        unreadable,
        ..Found::bare(platform)
    }))
}

/// Adds what is in the cluster under the names of the platform's objects.
pub async fn dereference(
    client: &Client,
    name: &PlatformName,
    found: &mut Found,
) -> Result<(), Error> {
    let reader = Reader { client, name };
    let jwks_name = jwks_name(&name.name);
    let given = found.platform.spec.credentials.as_ref();
    let credentials_name = given
        .and_then(|given| given.existing_secret.clone())
        .unwrap_or_else(|| credentials_name(&name.name));
    let gateway_name = object_name(&name.name, Component::Gateway);
    (
        found.credentials,
        found.user_secrets,
        found.jwks,
        found.secrets,
        found.services,
        found.network_policies,
        found.disruption_budgets,
        found.deployments,
        found.autoscalers,
        found.stateful_sets,
        found.ingress,
        found.http_route,
        found.pod_monitor,
    ) = tokio::try_join!(
        reader.get(&credentials_name),
        reader.named(found.platform.spec.secret_names()),
        reader.get(&jwks_name),
        reader.each(|_| true),
        reader.each(|_| true),
        reader.each(|_| true),
        reader.each(|component| !component.is_store()),
        reader.each(|component| !component.is_store()),
        reader.each(|component| !component.is_store()),
        reader.each(Component::is_store),
        reader.get(&gateway_name),
        reader.get(&gateway_name),
        reader.get(&name.name),
    )?;

    Ok(())
}

impl Found {
    /// A platform of which nothing is known in the cluster.
    pub fn bare(platform: SocialPlatform) -> Self {
        Self {
            platform,
            unreadable: None,
            credentials: None,
            user_secrets: BTreeMap::new(),
            jwks: None,
            secrets: BTreeMap::new(),
            services: BTreeMap::new(),
            network_policies: BTreeMap::new(),
            disruption_budgets: BTreeMap::new(),
            deployments: BTreeMap::new(),
            autoscalers: BTreeMap::new(),
            stateful_sets: BTreeMap::new(),
            ingress: None,
            http_route: None,
            pod_monitor: None,
        }
    }

    /// Whether the platform is being deleted. Its objects go by themselves then.
    pub fn is_going(&self) -> bool {
        self.platform.metadata.deletion_timestamp.is_some()
    }

    pub fn can_be_read(&self) -> Result<(), Error> {
        self.unreadable
            .clone()
            .map_or(Ok(()), |why| Err(Error::Unreadable(why)))
    }

    pub fn may_be_changed(&self) -> Result<(), Error> {
        if self.platform.spec.paused == Some(true) {
            return Err(Error::Paused);
        }

        Ok(())
    }

    /// Refuses to go on while a name is taken by an object of somebody else: what this platform's programs would
    /// send there, passwords among it, is not for them. What a platform may do without is looked at when it is written.
    pub fn belongs_to_the_platform(&self) -> Result<(), Error> {
        let Self {
            platform,
            unreadable: _,
            credentials: _,
            user_secrets: _,
            jwks,
            secrets,
            services,
            network_policies: _,
            disruption_budgets: _,
            deployments,
            autoscalers: _,
            stateful_sets,
            ingress: _,
            http_route: _,
            pod_monitor: _,
        } = self;
        let jwks = jwks.iter().map(identity);
        let owners = jwks
            .chain(secrets.values().map(identity))
            .chain(services.values().map(identity))
            .chain(deployments.values().map(identity))
            .chain(stateful_sets.values().map(identity))
            .map(|(kind, metadata)| {
                (
                    kind,
                    metadata.name.clone().unwrap_or_default(),
                    Owner::of(metadata, platform),
                )
            })
            .collect::<Vec<_>>();

        let of = |whose| owners.iter().find(|(.., owner)| *owner == whose);
        let first = of(Owner::Other).or_else(|| of(Owner::Predecessor));

        first
            .and_then(|(kind, name, owner)| Error::in_the_way(*owner, kind.clone(), name.clone()))
            .map_or(Ok(()), Err)
    }

    /// The component's Deployment or StatefulSet, if there is one and it is ours.
    pub fn workload(&self, component: Component) -> Option<Workload> {
        let is_ours = |metadata: &ObjectMeta| Owner::of(metadata, &self.platform) == Owner::Ours;

        if component.is_store() {
            self.stateful_sets
                .get(&component)
                .filter(|set| is_ours(&set.metadata))
                .map(Workload::of_stateful_set)
        } else {
            let autoscaler = self.autoscalers.get(&component);
            self.deployments
                .get(&component)
                .filter(|deployment| is_ours(&deployment.metadata))
                .map(|deployment| {
                    let autoscaler = autoscaler.filter(|scaler| is_ours(&scaler.metadata));
                    Workload::of_deployment(deployment, autoscaler)
                })
        }
    }

    /// Whether something of this platform was made of its credentials.
    pub fn knows_credentials(&self) -> bool {
        let mut secrets = self.secrets.values();

        secrets.any(|secret| Owner::of(&secret.metadata, &self.platform) == Owner::Ours)
    }

    /// Whether the gateway's Service is there and ours, so that its address is the platform's.
    pub fn has_address(&self) -> bool {
        self.services
            .get(&Component::Gateway)
            .is_some_and(|service| Owner::of(&service.metadata, &self.platform) == Owner::Ours)
    }

    pub fn is_rolled_out(&self, component: Component) -> bool {
        self.workload(component)
            .is_some_and(|workload| workload.stage == Stage::RolledOut)
    }

    /// Whether what needs this component can start. Of a store that somebody else runs nothing is known: its services say
    /// themselves whether they reach it.
    pub fn is_up(&self, component: Component, mongodb_is_set_up: bool) -> bool {
        !self.platform.spec.runs(component)
            || self.is_rolled_out(component)
                && (component != Component::MongoDb || mongodb_is_set_up)
    }

    /// Whether the status says `Ready` of the generation that was read.
    pub fn is_known_to_be_ready(&self) -> bool {
        let status = self.platform.status.clone().unwrap_or_default();

        status.observed_generation == self.platform.metadata.generation
            && is_true(&status.conditions, ConditionType::Ready)
    }
}

/// The API server's answer for what is not there, be it an object or a kind.
pub const NOT_FOUND: u16 = 404;

fn identity<K: Resource<DynamicType = ()>>(object: &K) -> (String, &ObjectMeta) {
    (K::kind(&()).into_owned(), object.meta())
}

/// Reads the platform untyped first, so that a spec nobody can read is reported in its own status.
async fn stored_platform(
    client: &Client,
    name: &PlatformName,
) -> Result<Option<(SocialPlatform, Option<String>)>, Error> {
    let resource = ApiResource::erase::<SocialPlatform>(&());
    let platforms =
        Api::<DynamicObject>::namespaced_with(client.clone(), &name.namespace, &resource);
    let found = platforms
        .get_opt(&name.name)
        .await
        .map_err(Error::api("read the platform"))?;

    Ok(found.map(
        |DynamicObject {
             metadata, mut data, ..
         }| {
            let status = serde_json::from_value(data["status"].take()).unwrap_or_default();
            let (spec, unreadable) =
                match serde_json::from_value::<SocialPlatformSpec>(data["spec"].take()) {
                    Ok(spec) => (spec, None),
                    Err(error) => (SocialPlatformSpec::default(), Some(error.to_string())),
                };
            (
                SocialPlatform {
                    metadata,
                    spec,
                    status,
                },
                unreadable,
            )
        },
    ))
}

struct Reader<'a> {
    client: &'a Client,
    name: &'a PlatformName,
}

impl Reader<'_> {
    async fn get<K>(&self, name: &str) -> Result<Option<K>, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let objects = Api::<K>::namespaced(self.client.clone(), &self.name.namespace);

        match objects.get_opt(name).await {
            // Of a kind that is not installed the API server has no words for the library to read.
            Err(kube::Error::Api(status)) if status.code == NOT_FOUND => Ok(None),
            found => found.map_err(Error::api(format!("read {} {name}", K::kind(&())))),
        }
    }

    /// Objects of these names, those that are there.
    async fn named<K>(&self, names: Vec<&str>) -> Result<BTreeMap<String, K>, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let mut found = BTreeMap::new();
        for name in names {
            if let Some(object) = self.get(name).await? {
                found.insert(name.to_owned(), object);
            }
        }

        Ok(found)
    }

    /// One after the other: the kinds are read side by side, and that is parallel enough for the API server.
    async fn each<K>(
        &self,
        wanted: impl Fn(Component) -> bool,
    ) -> Result<BTreeMap<Component, K>, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let mut found = BTreeMap::new();
        for component in Component::ALL
            .into_iter()
            .filter(|component| wanted(*component))
        {
            if let Some(object) = self.get(&object_name(&self.name.name, component)).await? {
                found.insert(component, object);
            }
        }

        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

    use super::*;
    use operator_api::Reason;

    fn found() -> Found {
        let mut platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
        platform.metadata.uid = Some("uid-1".to_owned());
        Found::bare(platform)
    }

    fn service(owner_uid: Option<&str>) -> BTreeMap<Component, Service> {
        let owner = owner_uid.map(|uid| OwnerReference {
            api_version: "socialplatform.io/v1alpha1".to_owned(),
            kind: "SocialPlatform".to_owned(),
            name: "demo".to_owned(),
            uid: uid.to_owned(),
            controller: Some(true),
            ..OwnerReference::default()
        });
        let metadata = ObjectMeta {
            name: Some("demo-redis".to_owned()),
            owner_references: Some(owner.into_iter().collect()),
            ..ObjectMeta::default()
        };
        BTreeMap::from([(
            Component::Redis,
            Service {
                metadata,
                ..Service::default()
            },
        )])
    }

    #[test]
    fn one_object_of_somebody_else_stops_everything() {
        let nobodys = Found {
            services: service(None),
            ..found()
        };
        let error = nobodys.belongs_to_the_platform().unwrap_err();

        assert_eq!(
            error.to_string(),
            "Service demo-redis exists and does not belong to this platform"
        );
        assert_eq!(error.obstacle().reason, Reason::ObjectNotOurs);
    }

    #[test]
    fn an_object_of_a_deleted_platform_is_waited_for() {
        let predecessors = Found {
            services: service(Some("uid-0")),
            ..found()
        };
        let error = predecessors.belongs_to_the_platform().unwrap_err();

        assert_eq!(error.obstacle().reason, Reason::WaitingForDeletion);
    }

    #[test]
    fn our_own_objects_and_missing_ones_are_fine() {
        found().belongs_to_the_platform().unwrap();
        Found {
            services: service(Some("uid-1")),
            ..found()
        }
        .belongs_to_the_platform()
        .unwrap();
    }
}
