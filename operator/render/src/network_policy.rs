//! Who may reach whom: each edge of the platform's picture is allowed, and nothing else.

use k8s_openapi::{
    api::networking::v1::{
        NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
        NetworkPolicyPort, NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use operator_api::{
    Component,
    names::{ADMIN_PORT, HTTP_PORT, MONGODB_PORT, RABBITMQ_PORT, REDIS_PORT, object_name},
};

use crate::{
    labels,
    platform::{MediaStorage, ValidatedPlatform},
};

const DNS_PORT: u16 = 53;

/// What the operator's own pods are known by, whatever their namespace: labels the chart gives them.
const OPERATOR: [(&str, &str); 2] = [
    (labels::NAME, "operator"),
    (labels::PART_OF, "socialplatform"),
];

/// The one policy of a component's pods. Probes come from the node itself, which no policy keeps away.
pub(crate) fn of(platform: &ValidatedPlatform, component: Component) -> Option<NetworkPolicy> {
    platform.is_fenced.then(|| NetworkPolicy {
        metadata: labels::owned(platform, component, object_name(&platform.name, component)),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(labels::selector(platform, component)),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ingress: Some(ingress(platform, component)),
            egress: Some(egress(platform, component)),
        }),
    })
}

/// What a component sends requests to, stores of the user's own left out.
fn needs(component: Component) -> &'static [Component] {
    use Component::{Gateway, Identity, Media, MongoDb, Post, RabbitMq, Redis, Search};

    match component {
        Gateway => &[Identity, Post, Media, Search, Redis],
        Identity | Post | Media | Search => &[MongoDb, Redis, RabbitMq],
        MongoDb | Redis | RabbitMq => &[],
    }
}

fn port_of(component: Component) -> u16 {
    match component {
        Component::MongoDb => MONGODB_PORT,
        Component::Redis => REDIS_PORT,
        Component::RabbitMq => RABBITMQ_PORT,
        Component::Gateway
        | Component::Identity
        | Component::Post
        | Component::Media
        | Component::Search => HTTP_PORT,
    }
}

fn ingress(platform: &ValidatedPlatform, component: Component) -> Vec<NetworkPolicyIngressRule> {
    let port = tcp(port_of(component));
    let mut from: Vec<_> = Component::ALL
        .into_iter()
        .filter(|other| needs(*other).contains(&component))
        .map(|other| pods(platform, other))
        .collect();
    // The operator sets MongoDB up, whose only member also talks to itself by its name.
    if component == Component::MongoDb {
        from.extend([operator(), pods(platform, component)]);
    }
    let mut rules = vec![NetworkPolicyIngressRule {
        // Everybody may come to the gateway: without a peer all are meant.
        from: (component != Component::Gateway).then_some(from),
        ports: Some(vec![port]),
    }];
    if !component.is_store() {
        // Who collects metrics, and from which namespace, is not known here.
        rules.push(NetworkPolicyIngressRule {
            from: None,
            ports: Some(vec![tcp(ADMIN_PORT)]),
        });
    }

    rules
}

fn egress(platform: &ValidatedPlatform, component: Component) -> Vec<NetworkPolicyEgressRule> {
    let names = NetworkPolicyEgressRule {
        to: None,
        ports: Some(vec![port("UDP", DNS_PORT), tcp(DNS_PORT)]),
    };
    let mut rules = vec![names];
    let mut known = needs(component).to_vec();
    if component == Component::MongoDb {
        known.push(component);
    }
    let is_managed =
        |other: &Component| !other.is_store() || platform.managed_store(*other).is_some();
    rules.extend(
        known
            .iter()
            .copied()
            .filter(is_managed)
            .map(|other| NetworkPolicyEgressRule {
                to: Some(vec![pods(platform, other)]),
                ports: Some(vec![tcp(port_of(other))]),
            }),
    );
    let has_files_elsewhere =
        component == Component::Media && platform.media.storage != MediaStorage::GridFs;
    // Where the user's own places are is known to the programs only: a name may be any address.
    if has_files_elsewhere || !known.iter().all(is_managed) {
        rules.push(NetworkPolicyEgressRule::default());
    }

    rules
}

fn pods(platform: &ValidatedPlatform, component: Component) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        pod_selector: Some(labels::selector(platform, component)),
        ..NetworkPolicyPeer::default()
    }
}

fn operator() -> NetworkPolicyPeer {
    let known_by = OPERATOR.map(|(label, value)| (label.to_owned(), value.to_owned()));

    NetworkPolicyPeer {
        pod_selector: Some(LabelSelector {
            match_labels: Some(known_by.into()),
            match_expressions: None,
        }),
        namespace_selector: Some(LabelSelector::default()),
        ip_block: None,
    }
}

fn tcp(number: u16) -> NetworkPolicyPort {
    port("TCP", number)
}

fn port(protocol: &str, number: u16) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(i32::from(number))),
        end_port: None,
    }
}
