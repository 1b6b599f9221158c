//! The gateway beside other proxies: one origin, one core each, one load.

use std::path::Path;

use anyhow::Result;

use super::{EXPRESS, GATEWAY_BARE, GATEWAY_FULL, NGINX};
use crate::cores::Core;
use crate::load::{Mixture, Request};
use crate::measure::Subject;
use crate::platform::{Gateway, Service};
use crate::report::Row;
use crate::rivals;
use crate::stage::Stage;

/// Nothing listens there: limits are kept in the process.
const NO_REDIS: &str = "redis://127.0.0.1:1";

pub async fn measure(stage: &Stage, rival: &Path) -> Result<Vec<Row>> {
    let origin = rivals::origin(&stage.places).await?;
    let gateway = |redis_url: &str, log_filter| Gateway {
        name: "gateway",
        redis_url: redis_url.to_owned(),
        log_filter,
        core: Core::First,
        upstreams: [(); 4].map(|()| origin.url.clone()),
    };
    let open = Mixture::one(Request::get("/.well-known/jwks.json"));
    let full = Mixture::one(Request::get("/v1/posts")).by(&stage.token);

    let nginx = rivals::nginx_proxy(&stage.places, &origin).await?;
    let nginx = row(stage, NGINX, nginx, &open).await?;
    let bare = stage.places.gateway(gateway(NO_REDIS, "off")).await?;
    let bare = row(stage, GATEWAY_BARE, bare, &open).await?;
    let with_redis = gateway(&stage.bench.stores.redis_url, "info");
    let with_redis = stage.places.gateway(with_redis).await?;
    let full = row(stage, GATEWAY_FULL, with_redis, &full).await?;
    let express = rivals::express(&stage.places, rival, &origin).await?;
    let express = row(stage, EXPRESS, express, &open).await?;

    Ok(vec![nginx, bare, full, express])
}

/// The proxy ends with its row.
async fn row(stage: &Stage, name: &str, proxy: Service, mixture: &Mixture) -> Result<Row> {
    let subject = Subject {
        name,
        posts: None,
        url: &proxy.url,
        processes: &[&proxy.process],
        shows_stores: false,
        core: Core::Second,
    };

    stage.bench.row(&subject, mixture).await
}
