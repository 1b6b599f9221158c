//! The gateway: how it is reached, and whom it lets through.

use operator_api::{Cors, Exposure, ExposureType, Gateway, HttpRoute, Ingress, RateLimit};

use super::{Invalid, invalid, service_shape};
use crate::{
    defaults,
    platform::{GatewayExposure, GatewayShape, HttpRouteShape, IngressShape, Quota},
};

pub(super) fn gateway(gateway: Gateway) -> Result<GatewayShape, Invalid> {
    let Gateway {
        pods,
        resources,
        exposure,
        rate_limit,
        cors,
        trusted_hops,
    } = gateway;
    let RateLimit {
        requests_per_minute,
        burst,
        auth_requests_per_minute,
        auth_burst,
    } = rate_limit.unwrap_or_default();
    let Cors { allowed_origins } = cors.unwrap_or_default();
    let Exposure {
        type_,
        node_port,
        ingress,
        http_route,
    } = exposure.unwrap_or_default();

    Ok(GatewayShape {
        pods: service_shape("spec.gateway", pods, resources)?,
        exposure: gateway_exposure(type_, node_port)?,
        ingress: ingress.map(ingress_shape),
        http_route: http_route.map(http_route_shape),
        quota: Quota {
            per_minute: requests_per_minute.unwrap_or(defaults::QUOTA.per_minute),
            burst: burst.unwrap_or(defaults::QUOTA.burst),
        },
        auth_quota: Quota {
            per_minute: auth_requests_per_minute.unwrap_or(defaults::AUTH_QUOTA.per_minute),
            burst: auth_burst.unwrap_or(defaults::AUTH_QUOTA.burst),
        },
        allowed_origins: origins(allowed_origins)?,
        trusted_hops: trusted_hops.unwrap_or(0),
    })
}

fn ingress_shape(ingress: Ingress) -> IngressShape {
    let Ingress {
        host,
        class_name,
        tls_secret_name,
        annotations,
    } = ingress;

    IngressShape {
        host,
        class: class_name,
        tls_secret: tls_secret_name,
        annotations,
    }
}

fn http_route_shape(route: HttpRoute) -> HttpRouteShape {
    let HttpRoute { parents, hostnames } = route;

    HttpRouteShape { parents, hostnames }
}

fn gateway_exposure(
    type_: Option<ExposureType>,
    node_port: Option<i32>,
) -> Result<GatewayExposure, Invalid> {
    match (type_.unwrap_or_default(), node_port) {
        (ExposureType::ClusterIP, None) => Ok(GatewayExposure::ClusterIp),
        (ExposureType::ClusterIP, Some(_)) => Err(invalid(
            "spec.gateway.exposure.nodePort",
            "is only for type NodePort",
        )),
        (ExposureType::NodePort, port) => Ok(GatewayExposure::NodePort(port)),
    }
}

/// Their order means nothing, so another order must not replace pods.
fn origins(mut origins: Vec<String>) -> Result<Vec<String>, Invalid> {
    origins.sort_unstable();
    origins.dedup();
    if origins.len() > 1 && origins.iter().any(|origin| origin == "*") {
        return Err(invalid(
            "spec.gateway.cors.allowedOrigins",
            "must be * alone or origins without it",
        ));
    }

    Ok(origins)
}
