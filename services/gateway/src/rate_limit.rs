//! How often a client may ask, and what it is told of that.
//!
//! The headers are those of the IETF's draft (draft-ietf-httpapi-ratelimit-headers): a policy allows `q` requests in
//! `w` seconds, of which `r` are left, and all are there again after `t`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{IntCounterVec, Opts};
use redis_kit::Redis;
use redis_kit::limit::{Decision, Limiter, Quota};
use service_kit::{Metrics, Problem};

use crate::app::App;
use crate::client::Client;
use crate::config::Config;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Which requests share a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// All that have none of their own.
    General,
    /// Where passwords and refresh tokens could be tried.
    Auth,
}

/// The quotas of each client.
pub struct RateLimit {
    limiter: Limiter<IpAddr>,
    general: Policy,
    auth: Policy,
    refused: IntCounterVec,
}

struct Policy {
    name: &'static str,
    quota: Quota,
    header: HeaderValue,
}

/// What the answer to a request that is allowed says about those to come.
pub struct Allowance {
    policy: HeaderValue,
    state: HeaderValue,
}

impl RateLimit {
    pub fn new(config: &Config, redis: Redis, metrics: &Metrics) -> Self {
        let refused = IntCounterVec::new(
            Opts::new(
                "rate_limited_total",
                "Requests refused because their client asked too often.",
            ),
            &["policy"],
        )
        .expect("the name and label above are valid");
        metrics.register(refused.clone());

        Self {
            limiter: Limiter::new(redis),
            general: Policy::new(
                "general",
                Quota {
                    per_minute: config.rate_limit_per_minute,
                    burst: config.rate_limit_burst,
                },
            ),
            auth: Policy::new(
                "auth",
                Quota {
                    per_minute: config.auth_rate_limit_per_minute,
                    burst: config.auth_rate_limit_burst,
                },
            ),
            refused,
        }
    }

    /// Counts one request of `client`; the problem is the answer to one too many.
    pub async fn check(&self, limit: Limit, client: &Client) -> Result<Allowance, Problem> {
        let (limiter, network) = (&self.limiter, client.network());
        let (policy, decision) = match limit {
            Limit::General => {
                let policy = &self.general;
                let checked = limiter.check_ahead(policy.name, network, policy.quota);
                (policy, checked.await)
            }
            Limit::Auth => {
                let policy = &self.auth;
                let checked = limiter.check(policy.name, network, policy.quota);
                (policy, checked.await)
            }
        };
        let allowance = policy.allowance(&decision);
        if decision.is_allowed {
            return Ok(allowance);
        }
        self.refused.with_label_values(&[policy.name]).inc();
        let wait = whole_seconds(decision.retry_after).max(1);

        Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "too many requests from this address, try again later",
        )
        .with_header(RETRY_AFTER, HeaderValue::from(wait))
        .with_header(RATELIMIT_POLICY, allowance.policy)
        .with_header(RATELIMIT, allowance.state))
    }
}

impl Policy {
    fn new(name: &'static str, quota: Quota) -> Self {
        // The time in which as many come back as are possible at once.
        let window = (u64::from(quota.burst) * 60).div_ceil(u64::from(quota.per_minute));
        let header = format!("\"{name}\";q={};w={window}", quota.burst);

        Self {
            name,
            quota,
            header: header.parse().expect("a name and numbers are a header"),
        }
    }

    fn allowance(&self, decision: &Decision) -> Allowance {
        let state = format!(
            "\"{}\";r={};t={}",
            self.name,
            decision.remaining,
            whole_seconds(decision.reset_after)
        );

        Allowance {
            policy: self.header.clone(),
            state: HeaderValue::try_from(state).expect("a name and numbers are a header"),
        }
    }
}

impl Allowance {
    pub fn write(self, headers: &mut HeaderMap) {
        headers.insert(RATELIMIT_POLICY, self.policy);
        headers.insert(RATELIMIT, self.state);
    }
}

/// Around the paths that the gateway answers itself.
pub async fn limit(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let client = app.client(peer, request.headers());
    let allowance = app.rate_limit.check(Limit::General, &client).await?;
    let mut response = next.run(request).await;
    allowance.write(response.headers_mut());

    Ok(response)
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_and_its_state_are_structured_fields() {
        let policy = Policy::new(
            "general",
            Quota {
                per_minute: 1200,
                burst: 300,
            },
        );
        let mut headers = HeaderMap::new();
        let decision = Decision {
            is_allowed: true,
            limit: 300,
            remaining: 298,
            reset_after: Duration::from_millis(100),
            retry_after: Duration::ZERO,
        };
        policy.allowance(&decision).write(&mut headers);

        assert_eq!(headers[RATELIMIT_POLICY], "\"general\";q=300;w=15");
        assert_eq!(headers[RATELIMIT], "\"general\";r=298;t=1");
    }
}
