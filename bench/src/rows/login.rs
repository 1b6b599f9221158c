//! Logins, beside what the password hash alone allows, and other requests beside them.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde_json::json;

use super::{ARGON2, LIST_BESIDE_LOGINS, LIST_QUIET, LOGIN};
use crate::cores::{Core, cores};
use crate::load::{Body, Mixture, Outcome, Request};
use crate::report::Row;
use crate::stage::{PASSWORD, Stage, email, register};

const PEOPLE: usize = 50;
const PER_SECOND: u32 = 200;

pub async fn measure(stage: &Stage) -> Result<Vec<Row>> {
    let logins = logins(stage).await?;
    let services = [&stage.gateway, &stage.services.identity];
    let processes = services.map(|service| &service.process);
    stage.bench.quiet(&processes).await?;
    let before = hash_for(stage.bench.time)?;
    let login = stage
        .bench
        .row(&stage.subject(LOGIN, &processes), &logins)
        .await?;
    stage.bench.quiet(&processes).await?;
    let after = hash_for(stage.bench.time)?;
    let alone = Outcome {
        requests: before.requests + after.requests,
        per_second: f64::midpoint(before.per_second, after.per_second),
        ..before
    };

    let mut rows = vec![bare_row(ARGON2, alone), login];
    rows.extend(beside(stage, &logins).await?);

    Ok(rows)
}

/// Other requests, at a rate that leaves the machine idle, without and with as many logins as it carries.
async fn beside(stage: &Stage, logins: &Mixture) -> Result<[Row; 2]> {
    let (tools, url, time) = (&stage.bench.tools, &stage.gateway.url, stage.bench.time);
    let list = Mixture::one(Request::get("/v1/posts?limit=10")).by(&stage.token);
    let quiet = tools.pace(url, &list, time, PER_SECOND).await?;
    let lasting = tools.flood(url, logins, time + Duration::from_secs(3), Core::Any);
    let during = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        tools.pace(url, &list, time, PER_SECOND).await
    };
    let (_, saturated) = tokio::try_join!(lasting, during)?;

    Ok([
        bare_row(LIST_QUIET, quiet),
        bare_row(LIST_BESIDE_LOGINS, saturated),
    ])
}

async fn logins(stage: &Stage) -> Result<Mixture> {
    let mut requests = Vec::new();
    for person in 0..PEOPLE {
        let name = format!("person{person}");
        register(&stage.client, &stage.gateway.url, &name).await?;
        let body = json!({ "email": email(&name), "password": PASSWORD });
        requests.push(Request::post(
            "/v1/auth/login",
            Body::Text(body.to_string()),
        ));
    }

    Ok(Mixture::of(requests).json())
}

/// Hashes on every core with the parameters and the library of the identity service, memory used again.
fn hash_for(time: Duration) -> Result<Outcome> {
    let started = Instant::now();
    let threads: Vec<_> = (0..cores())
        .map(|_| thread::spawn(move || hash_until(started + time)))
        .collect();
    let mut requests = 0;
    for thread in threads {
        requests += thread
            .join()
            .map_err(|_| anyhow!("a hashing thread panicked"))??;
    }
    let took = started.elapsed();
    let each = took * u32::try_from(cores())? / u32::try_from(requests)?;

    Ok(Outcome {
        requests,
        per_second: requests as f64 / took.as_secs_f64(),
        p50: each,
        p99: each,
        failed: 0,
    })
}

fn hash_until(end: Instant) -> Result<u64> {
    let params = Params::default();
    let mut blocks = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; 32];
    let mut count = 0;
    while Instant::now() < end {
        argon2
            .hash_password_into_with_memory(PASSWORD.as_bytes(), &[7; 16], &mut hash, &mut blocks)
            .map_err(|error| anyhow!("Argon2id: {error}"))?;
        count += 1;
    }

    Ok(count)
}

fn bare_row(name: &str, outcome: Outcome) -> Row {
    Row {
        name: name.to_owned(),
        posts: None,
        outcome,
        costs: Vec::new(),
    }
}
