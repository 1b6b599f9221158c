//! The gateway: the one way in.

use k8s_openapi::api::core::v1::{EnvVar, Service};
use operator_api::{
    Component,
    names::{HTTP_PORT, object_name},
};

use crate::{
    config_hash::ConfigHash,
    connections::Connections,
    env::{self, REDIS_URL_KEY},
    jwks,
    objects::ServiceObjects,
    platform::{GatewayExposure, ValidatedPlatform},
    secret,
    service::{self, Program},
};

/// Longer than the longest of the services behind it, so that their answer is the one people see.
const REQUEST_TIMEOUT_SECONDS: u32 = 65;

pub(crate) fn objects(
    platform: &ValidatedPlatform,
    connections: Connections<'_>,
) -> ServiceObjects {
    let component = Component::Gateway;
    let upstreams = [
        ("IDENTITY_URL", Component::Identity),
        ("POST_URL", Component::Post),
        ("MEDIA_URL", Component::Media),
        ("SEARCH_URL", Component::Search),
    ];
    let redis_url = connections.redis();
    let secret = secret::of(platform, component, &[(REDIS_URL_KEY, &redis_url)]);
    let env = [
        env::server(REQUEST_TIMEOUT_SECONDS),
        env::tokens(platform),
        env::shared_memory(platform, component),
        upstreams
            .into_iter()
            .map(|(name, upstream)| upstream_url(platform, name, upstream))
            .collect(),
        limits(platform),
        about(platform),
    ];
    let program = Program {
        component,
        shape: &platform.gateway.pods,
        env: env.concat(),
        volumes: vec![jwks::volume(platform)],
        mounts: vec![jwks::mount()],
        config: ConfigHash::default().secret(&secret),
    };

    ServiceObjects {
        service: exposed_service(platform),
        ..service::objects(platform, secret, program)
    }
}

/// Whom the gateway lets through, and how often.
fn limits(platform: &ValidatedPlatform) -> Vec<EnvVar> {
    let gateway = &platform.gateway;

    vec![
        env::value("TRUSTED_HOPS", gateway.trusted_hops),
        env::value("RATE_LIMIT_PER_MINUTE", gateway.quota.per_minute),
        env::value("RATE_LIMIT_BURST", gateway.quota.burst),
        env::value("AUTH_RATE_LIMIT_PER_MINUTE", gateway.auth_quota.per_minute),
        env::value("AUTH_RATE_LIMIT_BURST", gateway.auth_quota.burst),
        env::value("CORS_ALLOWED_ORIGINS", gateway.allowed_origins.join(",")),
    ]
}

/// What the gateway tells of the platform. Media is told the same of files.
fn about(platform: &ValidatedPlatform) -> Vec<EnvVar> {
    let media = &platform.media;
    let types: Vec<_> = media
        .allowed_types
        .iter()
        .map(|kind| kind.as_str())
        .collect();

    vec![
        env::value("INSTANCE_NAME", literal(&platform.instance.name)),
        env::value("INSTANCE_CONTACT", literal(&platform.instance.contact)),
        env::value("MAX_UPLOAD_BYTES", media.max_upload_bytes),
        env::value("ALLOWED_MEDIA_TYPES", types.join(",")),
    ]
}

/// A value that Kubernetes takes as it is, `$(…)` in it included.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

fn upstream_url(platform: &ValidatedPlatform, name: &str, upstream: Component) -> EnvVar {
    env::value(
        name,
        format!(
            "http://{}:{HTTP_PORT}",
            object_name(&platform.name, upstream)
        ),
    )
}

fn exposed_service(platform: &ValidatedPlatform) -> Service {
    let mut service = service::service(platform, Component::Gateway);
    if let (GatewayExposure::NodePort(node_port), Some(spec)) =
        (platform.gateway.exposure, &mut service.spec)
    {
        spec.type_ = Some("NodePort".to_owned());
        for port in spec.ports.iter_mut().flatten() {
            port.node_port = node_port;
        }
    }

    service
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{minimal, with_spec};

    /// Type and node port of the gateway's Service.
    fn exposure(platform: &ValidatedPlatform) -> (Option<String>, Option<i32>) {
        let spec = exposed_service(platform).spec.unwrap();

        (spec.type_, spec.ports.unwrap()[0].node_port)
    }

    #[test]
    fn the_gateway_is_reached_from_outside_only_when_asked_for() {
        let any_port = with_spec("gateway: {exposure: {type: NodePort}}");
        let this_port = with_spec("gateway: {exposure: {type: NodePort, nodePort: 30080}}");

        assert_eq!(exposure(&minimal()), (Some("ClusterIP".into()), None));
        assert_eq!(exposure(&any_port), (Some("NodePort".into()), None));
        assert_eq!(exposure(&this_port), (Some("NodePort".into()), Some(30080)));
    }
}
