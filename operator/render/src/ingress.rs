//! An Ingress before the gateway.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, ServiceBackendPort,
};
use operator_api::{Component, names::object_name};

use crate::{
    labels,
    platform::{IngressShape, ValidatedPlatform},
    service::HTTP,
};

pub(crate) fn ingress(platform: &ValidatedPlatform) -> Option<Ingress> {
    let IngressShape {
        host,
        class,
        tls_secret,
        annotations,
    } = platform.gateway.ingress.as_ref()?;
    let gateway = object_name(&platform.name, Component::Gateway);
    let mut metadata = labels::owned(platform, Component::Gateway, gateway.clone());
    metadata.annotations = (!annotations.is_empty()).then(|| annotations.clone());
    let path = HTTPIngressPath {
        path: Some("/".to_owned()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend {
            service: Some(IngressServiceBackend {
                name: gateway,
                port: Some(ServiceBackendPort {
                    name: Some(HTTP.to_owned()),
                    number: None,
                }),
            }),
            resource: None,
        },
    };

    Some(Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: class.clone(),
            rules: Some(vec![IngressRule {
                host: Some(host.clone()),
                http: Some(HTTPIngressRuleValue { paths: vec![path] }),
            }]),
            tls: tls_secret.as_ref().map(|secret| {
                vec![IngressTLS {
                    hosts: Some(vec![host.clone()]),
                    secret_name: Some(secret.clone()),
                }]
            }),
            default_backend: None,
        }),
        status: None,
    })
}
