//! Rules of identity's part: lifetimes that end in order, and passwords that cost enough and fit.

use kube::core::Rule;

use super::{number_or, rule};
use crate::bounds::{
    ACCESS_TOKEN_TTL_SECONDS, IDENTITY_BASE_MEMORY, LEAST_PASSWORD_HASH_WORK,
    PASSWORD_HASH_ITERATIONS, PASSWORD_HASH_MEMORY_KIB, REFRESH_TOKEN_TTL_SECONDS,
};

pub(crate) fn sessions_outlast_access_tokens() -> Rule {
    rule(
        &format!("{} > {}", refresh_ttl(), access_ttl()),
        "refreshTokenTtlSeconds must be greater than accessTokenTtlSeconds",
    )
}

/// A client refreshes when its access token has expired: a session that ends before that ends for everybody.
pub(crate) fn idle_sessions_end_between() -> Rule {
    let idle = "self.refreshTokenIdleSeconds";

    rule(
        &format!(
            "!has({idle}) || ({idle} > {} && {idle} <= {})",
            access_ttl(),
            refresh_ttl()
        ),
        "refreshTokenIdleSeconds must be greater than accessTokenTtlSeconds and not greater than refreshTokenTtlSeconds",
    )
}

pub(crate) fn password_hashes_are_costly() -> Rule {
    let memory = number_or("self", &["memoryKib"], PASSWORD_HASH_MEMORY_KIB);
    let iterations = number_or("self", &["iterations"], PASSWORD_HASH_ITERATIONS);

    rule(
        &format!("{memory} * {iterations} >= {LEAST_PASSWORD_HASH_WORK}"),
        &format!(
            "memoryKib times iterations must be at least {LEAST_PASSWORD_HASH_WORK}, the least that OWASP recommends for Argon2id"
        ),
    )
}

/// Each whole processor hashes one password at a time, and one does in any case.
pub(crate) fn memory_holds_the_password_hashes() -> Rule {
    let limits = "has(self.resources) && has(self.resources.limits)";
    let memory = "self.resources.limits.memory";
    let cpu = "self.resources.limits.cpu";
    // Processors may be given as a number.
    let cpus = format!("quantity(string({cpu})).asApproximateFloat()");
    let hashes = format!("(has({cpu}) && {cpus} >= 1.0 ? double(int({cpus})) : 1.0)");
    let of_each = number_or(
        "self",
        &["passwordHash", "memoryKib"],
        PASSWORD_HASH_MEMORY_KIB,
    );

    rule(
        &format!(
            "!({limits} && has({memory})) || quantity({memory}).asApproximateFloat() >= {IDENTITY_BASE_MEMORY}.0 + {hashes} * 1024.0 * double({of_each})"
        ),
        "resources.limits.memory must be at least 32Mi and passwordHash.memoryKib for each whole processor of resources.limits.cpu: so many passwords are hashed at once",
    )
}

fn access_ttl() -> String {
    number_or("self", &["accessTokenTtlSeconds"], ACCESS_TOKEN_TTL_SECONDS)
}

fn refresh_ttl() -> String {
    number_or(
        "self",
        &["refreshTokenTtlSeconds"],
        REFRESH_TOKEN_TTL_SECONDS,
    )
}
