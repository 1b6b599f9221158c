//! Operator and services agree: what a Deployment sets is what its program reads. No cluster is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use clap::{CommandFactory, Parser};
use e2e::proof::podless;
use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Container, PodSpec, Probe, Secret, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use operator_api::{SocialPlatform, SocialPlatformSpec};
use operator_render::{Defaults, Objects, ServiceObjects, UserSecrets, render, validate};
use service_kit::{Health, Listeners, Metrics, Settings};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Platforms whose files are elsewhere than in MongoDB.
const ELSEWHERE: [&str; 2] = [
    "{media: {storage: {s3: {bucket: files, credentialsSecretRef: {name: account}}}}}",
    "{media: {storage: {cloudinary: {secretRef: {name: account}}}}}",
];

/// The Secret they name.
const ACCOUNT: [(&str, &str); 3] = [
    ("accessKeyId", "id"),
    ("secretAccessKey", "secret"),
    ("url", "cloudinary://key:secret@cloud"),
];

/// One service as it is rendered.
struct Rendered {
    deployment: Deployment,
    service: Service,
    secret: Secret,
}

#[test]
fn every_service_is_told_exactly_what_it_reads() {
    let Objects {
        jwks: _,
        mongodb: _,
        redis: _,
        rabbitmq: _,
        identity,
        post,
        media,
        search,
        gateway,
        ingress: _,
        http_route: _,
        pod_monitor: _,
    } = objects();

    settings_are_told_exactly::<identity::config::Config>(&[identity.into()]);
    settings_are_told_exactly::<post::config::Config>(&[post.into()]);
    settings_are_told_exactly::<search::config::Config>(&[search.into()]);
    settings_are_told_exactly::<gateway::config::Config>(&[gateway.into()]);
    // Of the places for files each has settings of its own.
    let elsewhere = ELSEWHERE.map(|spec| objects_of(spec).media);
    let media = [media].into_iter().chain(elsewhere).map(Rendered::from);
    settings_are_told_exactly::<media::config::Config>(&media.collect::<Vec<_>>());
}

#[test]
fn every_service_accepts_what_it_is_told() {
    let objects = objects();

    accepts::<identity::config::Config>(&objects.identity.into());
    accepts::<post::config::Config>(&objects.post.into());
    accepts::<media::config::Config>(&objects.media.into());
    accepts::<search::config::Config>(&objects.search.into());
    accepts::<gateway::config::Config>(&objects.gateway.into());
    for spec in ELSEWHERE {
        accepts::<media::config::Config>(&objects_of(spec).media.into());
    }
}

#[test]
fn every_service_listens_where_it_is_asked() {
    let objects = objects();

    listens_where_it_is_asked::<identity::config::Config>(&objects.identity.into());
    listens_where_it_is_asked::<post::config::Config>(&objects.post.into());
    listens_where_it_is_asked::<media::config::Config>(&objects.media.into());
    listens_where_it_is_asked::<search::config::Config>(&objects.search.into());
    listens_where_it_is_asked::<gateway::config::Config>(&objects.gateway.into());
}

#[test]
fn every_file_a_setting_names_is_mounted() {
    let jwks = objects().jwks;
    for rendered in services() {
        let pod = rendered.pod();
        for (name, value) in rendered.values() {
            if value.starts_with('/') {
                assert!(
                    is_mounted(pod, &jwks, Path::new(&value)),
                    "{name} is {value}"
                );
            }
        }
    }
}

#[test]
fn the_gateway_is_told_the_addresses_of_the_services() {
    let services = services();
    let addresses: BTreeSet<_> = services
        .iter()
        .map(|rendered| {
            let name = rendered.service.metadata.name.as_deref().unwrap();
            let port = &rendered
                .service
                .spec
                .as_ref()
                .unwrap()
                .ports
                .as_ref()
                .unwrap()[0];
            format!("http://{name}:{}", port.port)
        })
        .collect();
    let gateway = Rendered::from(objects().gateway);
    let told: BTreeSet<_> = gateway
        .values()
        .into_iter()
        .filter(|(name, value)| name.ends_with("_URL") && value.starts_with("http"))
        .map(|(_, value)| value)
        .collect();

    assert_eq!(told.len(), 4);
    assert!(told.is_subset(&addresses), "{told:?} of {addresses:?}");
}

/// What every service answers on its admin port is what the probes ask for.
#[tokio::test]
async fn the_paths_that_are_probed_are_answered() {
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let listeners = Listeners {
        api: TcpListener::bind(loopback).await.unwrap(),
        admin: TcpListener::bind(loopback).await.unwrap(),
    };
    let url = format!("http://{}", listeners.admin.local_addr().unwrap());
    let stop = CancellationToken::new();
    let config = accepts::<gateway::config::Config>(&objects().gateway.into());
    let service = service_kit::Service {
        routes: axum::Router::new(),
        health: Health::new(),
        metrics: Metrics::new(),
    };
    let until_stopped = stop.clone();
    let serving = tokio::spawn(async move {
        service
            .serve(config.server(), listeners, until_stopped)
            .await;
    });

    let mut paths = BTreeSet::new();
    for rendered in services() {
        paths.extend(probes(rendered.container()).map(|probe| path_and_port(probe).0));
    }
    assert_eq!(
        paths,
        BTreeSet::from(["/healthz", "/readyz"].map(str::to_owned))
    );
    for path in paths {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
    stop.cancel();
    serving.await.unwrap();
}

/// Whatever a platform asks for, nothing is told that is not read; and all that is read is told to some of them.
fn settings_are_told_exactly<C: CommandFactory>(rendered: &[Rendered]) {
    let command = C::command();
    let read: BTreeSet<_> = command
        .get_arguments()
        .filter_map(|argument| argument.get_env())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let told: BTreeSet<_> = rendered
        .iter()
        .flat_map(|rendered| rendered.values().into_keys())
        .collect();

    assert_eq!(told, read, "{}", command.get_name());
}

/// The settings as the program parses them, each given by its flag.
fn accepts<C: Parser>(rendered: &Rendered) -> C {
    let command = C::command();
    let values = rendered.values();
    let mut arguments = vec![command.get_name().to_owned()];
    for argument in command.get_arguments() {
        let name = argument.get_env().map(|name| name.to_string_lossy());
        let value = name.and_then(|name| values.get(name.as_ref()));
        if let (Some(value), Some(long)) = (value, argument.get_long()) {
            arguments.push(format!("--{long}={value}"));
        }
    }

    C::try_parse_from(arguments).unwrap_or_else(|error| panic!("{}: {error}", command.get_name()))
}

fn listens_where_it_is_asked<C: Parser + Settings>(rendered: &Rendered) {
    let config: C = accepts(rendered);
    let container = rendered.container();
    let port = |name: &str| {
        let mut ports = container.ports.iter().flatten();
        let port = ports.find(|port| port.name.as_deref() == Some(name));
        u16::try_from(port.unwrap().container_port).unwrap()
    };
    assert_eq!(port("http"), config.server().listen_address.port());
    assert_eq!(port("admin"), config.server().admin_address.port());

    let service = rendered.service.spec.as_ref().unwrap();
    let target = service.ports.as_ref().unwrap()[0].target_port.clone();
    assert_eq!(target, Some(IntOrString::String("http".to_owned())));
    for probe in probes(container) {
        assert_eq!(
            path_and_port(probe).1,
            IntOrString::String("admin".to_owned())
        );
    }
}

impl Rendered {
    fn pod(&self) -> &PodSpec {
        let template = &self.deployment.spec.as_ref().unwrap().template;
        template.spec.as_ref().unwrap()
    }

    fn container(&self) -> &Container {
        let [container] = self.pod().containers.as_slice() else {
            panic!("a service has one container");
        };
        container
    }

    /// The environment as the container sees it, with what comes from the service's own Secret.
    fn values(&self) -> BTreeMap<String, String> {
        let environment = self.container().env.iter().flatten();
        environment
            .map(|variable| {
                let value = match (&variable.value, &variable.value_from) {
                    (Some(value), None) => value.clone(),
                    (None, Some(source)) => self.secret_value(source.secret_key_ref.as_ref()),
                    _ => panic!("{} has no value", variable.name),
                };
                (variable.name.clone(), value)
            })
            .collect()
    }

    fn secret_value(
        &self,
        reference: Option<&k8s_openapi::api::core::v1::SecretKeySelector>,
    ) -> String {
        let reference = reference.unwrap();
        let secret = &self.secret;
        assert_eq!(Some(&reference.name), secret.metadata.name.as_ref());
        let value = &secret.data.as_ref().unwrap()[&reference.key];

        String::from_utf8(value.0.clone()).unwrap()
    }
}

impl From<ServiceObjects> for Rendered {
    fn from(objects: ServiceObjects) -> Self {
        let ServiceObjects {
            secret,
            service,
            network_policy: _,
            disruption_budget: _,
            deployment,
            autoscaler: _,
        } = objects;
        Self {
            deployment,
            service,
            secret,
        }
    }
}

fn services() -> [Rendered; 5] {
    let objects = objects();
    [
        objects.identity.into(),
        objects.post.into(),
        objects.media.into(),
        objects.search.into(),
        objects.gateway.into(),
    ]
}

fn probes(container: &Container) -> impl Iterator<Item = &Probe> {
    let Container {
        startup_probe,
        readiness_probe,
        liveness_probe,
        ..
    } = container;

    [startup_probe, readiness_probe, liveness_probe]
        .into_iter()
        .flatten()
}

fn path_and_port(probe: &Probe) -> (String, IntOrString) {
    let get = probe
        .http_get
        .as_ref()
        .expect("services are probed by HTTP");

    (get.path.clone().unwrap(), get.port.clone())
}

/// Whether a file of this path is in the container: a mounted volume brings a key of its name.
fn is_mounted(pod: &PodSpec, jwks: &ConfigMap, path: &Path) -> bool {
    let mounts = pod.containers[0].volume_mounts.iter().flatten();
    let mut volumes = mounts
        .filter(|mount| Some(Path::new(&mount.mount_path)) == path.parent())
        .flat_map(|mount| {
            let volumes = pod.volumes.iter().flatten();
            volumes.filter(|volume| volume.name == mount.name)
        });
    let file = path.file_name().unwrap().to_str().unwrap();

    volumes.any(|volume| match (&volume.secret, &volume.config_map) {
        (Some(secret), None) => {
            let mut items = secret.items.iter().flatten();
            items.any(|item| item.path == file)
        }
        // The whole map is mounted.
        (None, Some(map)) => {
            let is_keys = Some(&map.name) == jwks.metadata.name.as_ref();
            is_keys && jwks.data.as_ref().unwrap().contains_key(file)
        }
        _ => false,
    })
}

fn objects() -> Objects {
    objects_of("{}")
}

/// What a spec becomes, given as YAML.
fn objects_of(spec: &str) -> Objects {
    let spec: SocialPlatformSpec = serde_yaml::from_str(spec).unwrap();
    let mut platform = SocialPlatform::new("demo", spec);
    platform.metadata.namespace = Some("town".to_owned());
    platform.metadata.uid = Some("00000000-0000-4000-8000-000000000001".to_owned());
    let defaults = Defaults {
        version: "1.2.3".to_owned(),
    };
    let account = Secret {
        data: Some(
            ACCOUNT
                .map(|(key, text)| (key.to_owned(), ByteString(text.into())))
                .into(),
        ),
        ..Secret::default()
    };
    let platform = validate(&platform, &defaults).unwrap();
    let secrets = BTreeMap::from([("account".to_owned(), account)]);
    let given = UserSecrets::read(&platform, &secrets).unwrap();

    render(&platform, &podless::credentials(), &given)
}
