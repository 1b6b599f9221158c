//! The chart: what it installs, what it may, and what stays when it goes.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::cluster::{OPERATOR_NAMESPACE, RELEASE};
use e2e::platform::life_of;
use e2e::{Cluster, Look, Namespace, Platform, alone_on_shared_platform, in_namespace, until};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::{
    ResourceRule, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube::api::{Api, PostParams};

const CRD: &str = "socialplatforms.socialplatform.io";
const SEEN_WITHIN: Duration = Duration::from_secs(60);
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../operator/api/samples");

/// All the operator may do, as `verb resource.group`, beyond what every account may.
const MAY: [&str; 65] = [
    "create configmaps",
    "create deployments.apps",
    "create events.events.k8s.io",
    "create horizontalpodautoscalers.autoscaling",
    "create httproutes.gateway.networking.k8s.io",
    "create ingresses.networking.k8s.io",
    "create networkpolicies.networking.k8s.io",
    "create poddisruptionbudgets.policy",
    "create podmonitors.monitoring.coreos.com",
    "create secrets",
    "create services",
    "create statefulsets.apps",
    "delete horizontalpodautoscalers.autoscaling",
    "delete httproutes.gateway.networking.k8s.io",
    "delete ingresses.networking.k8s.io",
    "delete networkpolicies.networking.k8s.io",
    "delete poddisruptionbudgets.policy",
    "delete podmonitors.monitoring.coreos.com",
    "get configmaps",
    "get deployments.apps",
    "get horizontalpodautoscalers.autoscaling",
    "get httproutes.gateway.networking.k8s.io",
    "get ingresses.networking.k8s.io",
    "get networkpolicies.networking.k8s.io",
    "get poddisruptionbudgets.policy",
    "get podmonitors.monitoring.coreos.com",
    "get secrets",
    "get services",
    "get socialplatforms.socialplatform.io",
    "get statefulsets.apps",
    "list configmaps",
    "list deployments.apps",
    "list events",
    "list horizontalpodautoscalers.autoscaling",
    "list ingresses.networking.k8s.io",
    "list networkpolicies.networking.k8s.io",
    "list persistentvolumeclaims",
    "list poddisruptionbudgets.policy",
    "list pods",
    "list replicasets.apps",
    "list services",
    "list socialplatforms.socialplatform.io",
    "list statefulsets.apps",
    "patch configmaps",
    "patch deployments.apps",
    "patch horizontalpodautoscalers.autoscaling",
    "patch httproutes.gateway.networking.k8s.io",
    "patch ingresses.networking.k8s.io",
    "patch networkpolicies.networking.k8s.io",
    "patch poddisruptionbudgets.policy",
    "patch podmonitors.monitoring.coreos.com",
    "patch secrets",
    "patch services",
    "patch socialplatforms/status.socialplatform.io",
    "patch statefulsets.apps",
    "update socialplatforms/finalizers.socialplatform.io",
    "watch configmaps",
    "watch deployments.apps",
    "watch horizontalpodautoscalers.autoscaling",
    "watch ingresses.networking.k8s.io",
    "watch networkpolicies.networking.k8s.io",
    "watch poddisruptionbudgets.policy",
    "watch services",
    "watch socialplatforms.socialplatform.io",
    "watch statefulsets.apps",
];

/// What it may do beside that where it runs.
const MAY_AT_HOME: [&str; 3] = [
    "create leases.coordination.k8s.io",
    "get leases.coordination.k8s.io [\"socialplatform-operator\"]",
    "update leases.coordination.k8s.io [\"socialplatform-operator\"]",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn the_operator_may_do_what_it_needs_and_no_more() -> Result<()> {
    in_namespace("permissions", async |namespace| {
        let cluster = &namespace.cluster;
        let operator = account_of(&cluster.operator_pod().await?)?;
        let nobody = format!("system:serviceaccount:{}:default", namespace.name);
        let places = [
            (namespace.name.as_str(), &[][..]),
            (OPERATOR_NAMESPACE, &MAY_AT_HOME),
        ];
        for (place, more) in places {
            let everybody = permissions(cluster, &nobody, place).await?;
            let operators = permissions(cluster, &operator, place).await?;
            let its_own: BTreeSet<_> = operators.difference(&everybody).cloned().collect();

            let expected = MAY.iter().chain(more).map(|&line| line.to_owned());
            let expected: BTreeSet<String> = expected.collect();
            let more: Vec<_> = its_own.difference(&expected).collect();
            let less: Vec<_> = expected.difference(&its_own).collect();
            ensure!(
                more.is_empty() && less.is_empty(),
                "{operator} in {place} may also {more:?}, and may not {less:?}"
            );
        }

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn samples_are_accepted() -> Result<()> {
    in_namespace("samples", async |namespace| {
        let mut count = 0;
        for sample in std::fs::read_dir(SAMPLES).context(SAMPLES)? {
            let path = sample?.path();
            let path = path.to_str().context("a sample's path is text")?;
            let apply = ["apply", "--dry-run=server", "--validate=strict", "-f", path];
            namespace.kubectl(&apply).await?;
            count += 1;
        }
        ensure!(count > 0, "there are no samples in {SAMPLES}");

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn upgrade_and_uninstall_keep_the_platforms() -> Result<()> {
    alone_on_shared_platform("reinstall", async |platform| {
        let cluster = &platform.namespace.cluster;
        let definition = definition(cluster).await?;
        let resource = platform.resource().await?.uid();
        let pods = lives(platform).await?;
        let version = platform.resource().await?.status.and_then(|it| it.version);

        cluster
            .install_operator(&["--set-string", "logFilter=debug"])
            .await?;
        operator_is_installed(cluster).await?;
        let test = ["test", RELEASE, "--namespace", OPERATOR_NAMESPACE];
        cluster.helm(&test).await?;
        is_seen(platform).await?;
        ensure!(
            lives(platform).await? == pods,
            "an upgrade of the operator replaced or restarted pods of the platform"
        );

        let uninstall = ["uninstall", RELEASE, "--namespace", OPERATOR_NAMESPACE];
        cluster
            .helm(&[uninstall.as_slice(), &["--wait"]].concat())
            .await?;
        platform.first_request().await?;
        cluster.install_operator(&[]).await?;
        operator_is_installed(cluster).await?;
        is_seen(platform).await?;
        let ready = platform.ready().await?;

        ensure!(
            self::definition(cluster).await? == definition && ready.uid() == resource,
            "uninstalling the operator took the resources with it"
        );
        ensure!(
            ready.status.and_then(|it| it.version) == version,
            "the platform's version changed with the operator's installation"
        );
        ensure!(
            lives(platform).await? == pods,
            "a new installation of the operator replaced or restarted pods of the platform"
        );

        Ok(())
    })
    .await
}

/// The status alone does not tell whether the operator that runs has looked: one before it wrote it.
async fn is_seen(platform: &Platform) -> Result<()> {
    let Namespace { name, cluster, .. } = &platform.namespace;

    until(
        "the new operator to see the platform ready",
        SEEN_WITHIN,
        async || {
            let seen = cluster.operator_saw_ready(name).await?;
            Ok(Look::when(seen, || "not seen yet".to_owned()))
        },
    )
    .await
}

/// The Deployment runs the image under test, and the chart says of the resource's definition that it stays.
async fn operator_is_installed(cluster: &Cluster) -> Result<()> {
    let pod = cluster.operator_pod().await?;
    let image = format!(
        "{}/operator:{}",
        cluster.settings.registry, cluster.settings.version
    );
    let images: Vec<_> = pod
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .filter_map(|container| container.image.clone())
        .collect();
    ensure!(images == [image], "the operator runs {images:?}");

    let deployments = cluster.api::<Deployment>(OPERATOR_NAMESPACE);
    for deployment in deployments.list(&Default::default()).await? {
        let status = deployment.status.unwrap_or_default();
        ensure!(
            status.available_replicas == Some(1),
            "the operator is not available: {status:?}"
        );
    }

    Ok(())
}

/// Identity of the resource's definition; a definition made anew would have lost every platform.
async fn definition(cluster: &Cluster) -> Result<Option<String>> {
    let definitions = Api::<CustomResourceDefinition>::all(cluster.client.clone());

    Ok(definitions.get(CRD).await?.uid())
}

async fn lives(platform: &e2e::Platform) -> Result<BTreeSet<(String, String, i32)>> {
    Ok(platform.pods().await?.iter().map(life_of).collect())
}

pub fn account_of(pod: &k8s_openapi::api::core::v1::Pod) -> Result<String> {
    let spec = pod.spec.as_ref();
    let account = spec.and_then(|spec| spec.service_account_name.as_deref());
    let account = account.context("the operator has a service account")?;

    Ok(format!(
        "system:serviceaccount:{OPERATOR_NAMESPACE}:{account}"
    ))
}

/// What `kubectl auth can-i --list` says: one line per verb and resource.
pub async fn permissions(
    cluster: &Cluster,
    account: &str,
    namespace: &str,
) -> Result<BTreeSet<String>> {
    let question = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec {
            namespace: Some(namespace.to_owned()),
        },
        ..SelfSubjectRulesReview::default()
    };
    let reviews = Api::<SelfSubjectRulesReview>::all(cluster.client_as(account).await?);
    let answer = reviews.create(&PostParams::default(), &question).await?;
    let status = answer.status.context("a review has a status")?;
    ensure!(
        !status.incomplete,
        "the API server does not know all of {account}'s permissions"
    );
    let urls = status.non_resource_rules.iter().flat_map(|rule| {
        let urls = rule.non_resource_urls.iter().flatten();
        urls.flat_map(|url| rule.verbs.iter().map(move |verb| format!("{verb} {url}")))
    });

    Ok(status
        .resource_rules
        .iter()
        .flat_map(lines)
        .chain(urls)
        .collect())
}

fn lines(rule: &ResourceRule) -> Vec<String> {
    let mut lines = Vec::new();
    for verb in &rule.verbs {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                let dot = if group.is_empty() { "" } else { "." };
                lines.push(match &rule.resource_names {
                    Some(names) => format!("{verb} {resource}{dot}{group} {names:?}"),
                    None => format!("{verb} {resource}{dot}{group}"),
                });
            }
        }
    }

    lines
}
