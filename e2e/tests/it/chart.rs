//! The operator's chart, as `helm template` renders it. No cluster is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use clap::CommandFactory;
use e2e::cluster::{CHART, OPERATOR_NAMESPACE, RELEASE};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, PodSpec, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role, RoleBinding};
use operator_controller::config::Config;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Values as a person would write them, from nothing to everything.
pub const DEFAULT: &str = "{}";
const NAMESPACED: &str = "watchNamespaces: [town, village]";
pub const EVERYTHING: &str = "
replicas: 3
watchNamespaces: [socialplatform-system, town]
platformVersion: 1.2.3
imagePullSecrets: [{name: registry}]
nodeSelector: {disk: fast}
tolerations: [{key: dedicated, operator: Exists, effect: NoSchedule}]
affinity: {nodeAffinity: {}}
priorityClassName: system-cluster-critical
monitoring:
  serviceMonitor: {enabled: true, labels: {release: prometheus}}
  prometheusRule: {enabled: true, labels: {release: prometheus}}
  dashboard: {enabled: true}
";
const ALL: [&str; 3] = [DEFAULT, NAMESPACED, EVERYTHING];

/// What the Lease's role says, to be told from the role over platforms.
const LEASES: &str = "coordination.k8s.io";

#[test]
fn helm_finds_nothing_to_complain_of() {
    for values in ALL {
        helm(&["lint", "--strict", CHART], values).unwrap();
    }
}

#[test]
fn the_whole_cluster_takes_a_cluster_role_and_namespaces_take_none() {
    let everywhere = Rendered::with(DEFAULT);
    assert_eq!(everywhere.count("ClusterRole"), 1);
    assert_eq!(everywhere.count("ClusterRoleBinding"), 1);
    assert_eq!(everywhere.namespaces_of_roles(), [OPERATOR_NAMESPACE]);

    let limited = Rendered::with(NAMESPACED);
    assert_eq!(limited.count("ClusterRole"), 0);
    assert_eq!(limited.count("ClusterRoleBinding"), 0);
    let roles = [OPERATOR_NAMESPACE, "town", "village"];
    assert_eq!(limited.namespaces_of_roles(), roles);
    for binding in limited.all::<RoleBinding>("RoleBinding") {
        let subjects = binding.subjects.unwrap();
        assert_eq!(subjects[0].namespace.as_deref(), Some(OPERATOR_NAMESPACE));
    }
}

#[test]
fn the_rules_are_the_same_in_the_cluster_and_in_a_namespace() {
    let cluster: ClusterRole = Rendered::with(DEFAULT).only("ClusterRole");
    let roles = Rendered::with(NAMESPACED).all::<Role>("Role");
    let roles = roles.into_iter().map(|role| role.rules.unwrap());
    let over_platforms: Vec<_> = roles.filter(|rules| groups(rules) != [LEASES]).collect();

    assert_eq!(over_platforms.len(), 2);
    for rules in over_platforms {
        assert_eq!(Some(rules), cluster.rules);
    }
}

#[test]
fn rules_name_what_they_allow_and_secrets_are_got_by_name() {
    for values in ALL {
        for rule in Rendered::with(values).rules() {
            let PolicyRule {
                api_groups,
                non_resource_urls,
                resource_names: _,
                resources,
                verbs,
            } = rule;
            let resources = resources.unwrap();
            let words = api_groups.iter().flatten().chain(&resources).chain(&verbs);
            assert!(words.into_iter().all(|word| !word.contains('*')));
            assert_eq!(non_resource_urls, None);
            if resources.iter().any(|resource| resource == "secrets") {
                let too_much = ["list", "watch", "deletecollection"];
                assert!(verbs.iter().all(|verb| !too_much.contains(&verb.as_str())));
            }
        }
    }
}

#[test]
fn every_container_is_restricted() {
    for values in ALL {
        let rendered = Rendered::with(values);
        for pod in rendered.pods() {
            let context = pod.security_context.unwrap();
            assert_eq!(context.run_as_non_root, Some(true));
            assert_eq!(context.seccomp_profile.unwrap().type_, "RuntimeDefault");
            for container in pod.containers {
                let context = container.security_context.unwrap();
                assert_eq!(context.allow_privilege_escalation, Some(false));
                assert_eq!(context.read_only_root_filesystem, Some(true));
                let dropped = context.capabilities.unwrap().drop.unwrap();
                assert_eq!(dropped, ["ALL"]);
                let resources = container.resources.unwrap();
                assert!(resources.requests.is_some() && resources.limits.is_some());
            }
        }
    }
}

#[test]
fn the_operator_is_told_exactly_what_it_reads() {
    let deployment: Deployment = Rendered::with(EVERYTHING).only("Deployment");
    let pod = deployment.spec.unwrap().template.spec.unwrap();
    let told = pod.containers[0].env.iter().flatten();
    let told: BTreeSet<_> = told.map(|variable| variable.name.clone()).collect();

    let command = Config::command();
    let read = command.get_arguments().filter_map(|it| it.get_env());
    let read: BTreeSet<_> = read.map(|name| name.to_str().unwrap().to_owned()).collect();

    assert_eq!(told, read);
}

#[test]
fn selectors_are_of_the_operators_pods_and_no_others() {
    let rendered = Rendered::with(EVERYTHING);
    let deployment: Deployment = rendered.only("Deployment");
    let spec = deployment.spec.unwrap();
    let labels = spec.template.metadata.unwrap().labels.unwrap();
    let check: Pod = rendered.only("Pod");
    let others = check.metadata.labels.unwrap();

    let service: Service = rendered.only("Service");
    let budget: PodDisruptionBudget = rendered.only("PodDisruptionBudget");
    let spread = spec.template.spec.unwrap().topology_spread_constraints;
    let spread = spread.unwrap().remove(0).label_selector.unwrap();
    for selector in [
        spec.selector.match_labels.unwrap(),
        service.spec.unwrap().selector.unwrap(),
        budget.spec.unwrap().selector.unwrap().match_labels.unwrap(),
        spread.match_labels.unwrap(),
    ] {
        assert!(selects(&selector, &labels), "{selector:?}");
        assert!(!selects(&selector, &others), "{selector:?}");
        assert!(!selector.contains_key("app.kubernetes.io/version"));
    }
}

/// On a cluster whose network plugin enforces policies, the operator could not set MongoDB up otherwise.
#[test]
fn the_operators_pods_are_those_that_mongodb_lets_in() {
    let deployment: Deployment = Rendered::with(EVERYTHING).only("Deployment");
    let pods = deployment.spec.unwrap().template.metadata.unwrap();
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../operator/render/tests/golden/minimal/expected/networkpolicy-demo-mongodb.yaml"
    );
    let policy: NetworkPolicy =
        serde_yaml::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
    let peers = policy
        .spec
        .unwrap()
        .ingress
        .unwrap()
        .remove(0)
        .from
        .unwrap();
    let operator = peers
        .into_iter()
        .find(|peer| peer.namespace_selector.is_some())
        .unwrap();

    let selector = operator.pod_selector.unwrap().match_labels.unwrap();
    assert!(selects(&selector, &pods.labels.unwrap()), "{selector:?}");
}

#[test]
fn one_replica_has_no_budget_that_would_hold_up_a_drain() {
    assert_eq!(Rendered::with(DEFAULT).count("PodDisruptionBudget"), 0);
    let several = Rendered::with("replicas: 2");
    assert_eq!(several.count("PodDisruptionBudget"), 1);
}

#[test]
fn the_definition_stays_when_the_chart_goes() {
    let rendered = Rendered::with(DEFAULT);
    let definition: Value = rendered.only("CustomResourceDefinition");
    let policy = &definition["metadata"]["annotations"]["helm.sh/resource-policy"];

    assert_eq!(policy, "keep");
}

#[test]
fn a_slip_in_the_values_is_refused() {
    for (slip, named) in [
        ("replica: 2", "replica"),
        ("replicas: two", "replicas"),
        ("watchNamespaces: ['*']", "watchNamespaces"),
        ("watchNamespaces: town", "watchNamespaces"),
        ("image: {digest: sha256}", "digest"),
        ("resources: {limit: {}}", "limit"),
        ("tolerations: [{effect: Never}]", "tolerations"),
        ("monitoring: {dashboard: {enable: true}}", "enable"),
        ("resyncSeconds: 1", "resyncSeconds"),
    ] {
        let refusal = helm(&["template", RELEASE, CHART], slip).unwrap_err();
        assert!(refusal.contains(named), "{slip}: {refusal}");
    }
}

#[test]
fn every_value_is_described() {
    let file = |name: &str| std::fs::read_to_string(format!("{CHART}/{name}")).unwrap();
    let values: Value = serde_yaml::from_str(&file("values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&file("values.schema.json")).unwrap();

    is_described("", &values, &schema);
}

/// A schema that is more than a type says which keys there are, and of each what it is for.
fn is_described(path: &str, value: &Value, schema: &Value) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    assert_eq!(schema["additionalProperties"], false, "{path}");
    for (key, value) in value.as_object().unwrap() {
        let path = format!("{path}.{key}");
        let property = properties.get(key).unwrap_or(&Value::Null);
        // What a repository, a tag and requests are, Kubernetes says.
        assert!(
            property["description"].is_string() || property["$ref"].is_string(),
            "{path} is not described"
        );
        is_described(&path, value, property);
    }
}

/// Everything the chart renders for some values, the pod of `helm test` included.
pub struct Rendered(Vec<Value>);

impl Rendered {
    pub fn with(values: &str) -> Self {
        let template = [
            "template",
            RELEASE,
            CHART,
            "--namespace",
            OPERATOR_NAMESPACE,
        ];
        let text = helm(&template, values).unwrap();
        let documents = serde_yaml::Deserializer::from_str(&text);
        let objects = documents.map(|document| Value::deserialize(document).unwrap());

        Self(objects.filter(|object| !object.is_null()).collect())
    }

    fn count(&self, kind: &str) -> usize {
        self.of(kind).count()
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    pub fn all<K: DeserializeOwned>(&self, kind: &str) -> Vec<K> {
        let objects = self.of(kind).cloned();

        objects
            .map(|object| serde_json::from_value(object).unwrap())
            .collect()
    }

    pub fn only<K: DeserializeOwned>(&self, kind: &str) -> K {
        assert_eq!(self.count(kind), 1, "{kind}");

        self.all(kind).remove(0)
    }

    fn namespaces_of_roles(&self) -> Vec<&str> {
        let namespaces = |kind| {
            let objects = self.of(kind);
            let mut namespaces: Vec<_> = objects
                .map(|object| object["metadata"]["namespace"].as_str().unwrap())
                .collect();
            namespaces.sort_unstable();
            namespaces
        };
        assert_eq!(namespaces("Role"), namespaces("RoleBinding"));

        namespaces("Role")
    }

    pub fn rules(&self) -> Vec<PolicyRule> {
        let of_cluster = self.all::<ClusterRole>("ClusterRole").into_iter();
        let of_namespaces = self.all::<Role>("Role").into_iter();

        of_cluster
            .filter_map(|role| role.rules)
            .chain(of_namespaces.filter_map(|role| role.rules))
            .flatten()
            .collect()
    }

    fn pods(&self) -> [PodSpec; 2] {
        let deployment: Deployment = self.only("Deployment");
        let check: Pod = self.only("Pod");

        [
            deployment.spec.unwrap().template.spec.unwrap(),
            check.spec.unwrap(),
        ]
    }
}

fn groups(rules: &[PolicyRule]) -> Vec<&str> {
    let groups = rules
        .iter()
        .flat_map(|rule| rule.api_groups.iter().flatten());
    let groups: BTreeSet<_> = groups.map(String::as_str).collect();

    groups.into_iter().collect()
}

fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    selector
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}

/// What helm prints, or what it complains of.
fn helm(arguments: &[&str], values: &str) -> Result<String, String> {
    let mut child = Command::new(program("TEST_HELM"))
        .args(arguments)
        .args(["--values", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(values.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();

    let stdout = String::from_utf8(output.stdout).unwrap();
    if output.status.success() {
        Ok(stdout)
    } else {
        Err(stdout + &String::from_utf8(output.stderr).unwrap())
    }
}

/// Where a program is that the test command has made available.
pub fn program(variable: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the test command where its programs are"
    )]
    let path = std::env::var(variable);

    path.unwrap_or_else(|_| panic!("{variable} is not set: run the tests with `make chart`"))
}
