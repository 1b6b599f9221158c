//! A route of the Gateway API that leads to the gateway.

use operator_api::{
    Component,
    names::{HTTP_PORT, object_name},
};
use serde_json::json;

use crate::{
    foreign::HttpRoute,
    labels,
    platform::{HttpRouteShape, ValidatedPlatform},
};

pub(crate) fn route(platform: &ValidatedPlatform) -> Option<HttpRoute> {
    let HttpRouteShape { parents, hostnames } = platform.gateway.http_route.as_ref()?;
    let gateway = object_name(&platform.name, Component::Gateway);
    let spec = json!({
        "parentRefs": parents,
        "hostnames": hostnames,
        "rules": [{ "backendRefs": [{ "name": gateway, "port": HTTP_PORT }] }],
    });

    Some(HttpRoute::new(
        labels::owned(platform, Component::Gateway, gateway),
        spec,
    ))
}
