//! Identity: lifetimes that end in order, and memory for as many password hashes as run at once.

use operator_api::{
    Identity, Resources,
    bounds::{
        ACCESS_TOKEN_TTL_SECONDS, IDENTITY_BASE_MEMORY, LEAST_PASSWORD_HASH_WORK,
        LEAST_SERVICE_MEMORY, PASSWORD_HASH_ITERATIONS, PASSWORD_HASH_MEMORY_KIB,
        PASSWORD_HASH_PARALLELISM, REFRESH_TOKEN_IDLE_SECONDS, REFRESH_TOKEN_TTL_SECONDS,
    },
};

use super::{Invalid, invalid, pods, resources::container_resources};
use crate::{
    defaults::{self, ResourceDefaults},
    platform::{ContainerResources, IdentityShape, PasswordHash},
    quantity::{ByteCount, MilliCpus},
};

pub(super) fn identity(identity: Identity) -> Result<IdentityShape, Invalid> {
    let Identity {
        pods,
        resources,
        access_token_ttl_seconds,
        refresh_token_ttl_seconds,
        refresh_token_idle_seconds,
        password_hash,
        password_min_length,
    } = identity;
    let access = access_token_ttl_seconds.unwrap_or(ACCESS_TOKEN_TTL_SECONDS);
    let refresh = refresh_token_ttl_seconds.unwrap_or(REFRESH_TOKEN_TTL_SECONDS);
    let idle = refresh_token_idle_seconds.unwrap_or(REFRESH_TOKEN_IDLE_SECONDS.min(refresh));
    if refresh <= access {
        return Err(invalid(
            "spec.identity.refreshTokenTtlSeconds",
            "must be greater than accessTokenTtlSeconds",
        ));
    }
    if idle <= access || idle > refresh {
        return Err(invalid(
            "spec.identity.refreshTokenIdleSeconds",
            "must be greater than accessTokenTtlSeconds and not greater than refreshTokenTtlSeconds",
        ));
    }
    let password_hash = parameters(password_hash.unwrap_or_default())?;

    Ok(IdentityShape {
        pods: pods::service(
            "spec.identity",
            pods,
            room_for_hashes(resources, password_hash)?,
        )?,
        access_token_ttl_seconds: access,
        refresh_token_idle_seconds: idle,
        refresh_token_ttl_seconds: refresh,
        password_hash,
        password_min_length: password_min_length.unwrap_or(defaults::PASSWORD_MIN_LENGTH),
    })
}

fn parameters(given: operator_api::PasswordHash) -> Result<PasswordHash, Invalid> {
    let operator_api::PasswordHash {
        memory_kib,
        iterations,
        parallelism,
    } = given;
    let parameters = PasswordHash {
        memory_kib: memory_kib.unwrap_or(PASSWORD_HASH_MEMORY_KIB),
        iterations: iterations.unwrap_or(PASSWORD_HASH_ITERATIONS),
        parallelism: parallelism.unwrap_or(PASSWORD_HASH_PARALLELISM),
    };
    let work = parameters.memory_kib.saturating_mul(parameters.iterations);
    if work < LEAST_PASSWORD_HASH_WORK {
        return Err(invalid(
            "spec.identity.passwordHash",
            format!("must have memoryKib times iterations of at least {LEAST_PASSWORD_HASH_WORK}"),
        ));
    }

    Ok(parameters)
}

/// The scheduler sets aside what hashing takes: a pod that gets it only now and then is ended amid logins.
fn room_for_hashes(
    given: Option<Resources>,
    PasswordHash { memory_kib, .. }: PasswordHash,
) -> Result<ContainerResources, Invalid> {
    let field = "spec.identity.resources";
    let resources = |defaults: &ResourceDefaults| {
        container_resources(field, given.clone(), defaults, LEAST_SERVICE_MEMORY)
    };
    let MilliCpus(cpu_limit) = resources(&defaults::SERVICE)?.cpu_limit;
    // The service asks the system how many processors it has, and is told of whole ones and at least one.
    let hashes_at_once = (cpu_limit / 1000).max(1);
    let hash = u64::from(memory_kib.unsigned_abs()) * 1024;
    let needed = ByteCount(IDENTITY_BASE_MEMORY.unsigned_abs() + hashes_at_once * hash);

    let resources = resources(&ResourceDefaults {
        memory_request: needed,
        memory_limit: needed.max(defaults::SERVICE.memory_limit),
        ..defaults::SERVICE
    })?;
    if resources.memory_limit < needed {
        return Err(invalid(
            &format!("{field}.limits.memory"),
            format!(
                "must be at least {}: {hashes_at_once} passwords are hashed at once, each in {memory_kib} KiB",
                needed.quantity().0
            ),
        ));
    }

    Ok(resources)
}
