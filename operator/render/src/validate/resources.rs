//! Requests and limits: what is given, what is left to defaults, and what does not go together.

use operator_api::{Bytes, Cpu, Resources};

use super::{Invalid, invalid};
use crate::{
    defaults::ResourceDefaults,
    platform::ContainerResources,
    quantity::{ByteCount, MilliCpus},
};

/// What is given stands; a default that would contradict it moves out of its way.
pub(super) fn container_resources(
    field: &str,
    given: Option<Resources>,
    defaults: &ResourceDefaults,
    least_memory: &str,
) -> Result<ContainerResources, Invalid> {
    let Resources { requests, limits } = given.unwrap_or_default();
    let (requests, limits) = (requests.unwrap_or_default(), limits.unwrap_or_default());

    let cpu = |side: &str, amount: Option<Cpu>| {
        amount
            .map(|amount| cpus(&format!("{field}.{side}.cpu"), &amount.0))
            .transpose()
    };
    let memory = |side: &str, amount: Option<Bytes>| {
        amount
            .map(|amount| bytes(&format!("{field}.{side}.memory"), &amount.0))
            .transpose()
    };
    let (cpu_request, cpu_limit) = request_and_limit(
        cpu("requests", requests.cpu)?,
        cpu("limits", limits.cpu)?,
        defaults.cpu_request,
        defaults.cpu_limit,
    );
    let (memory_request, memory_limit) = request_and_limit(
        memory("requests", requests.memory)?,
        memory("limits", limits.memory)?,
        defaults.memory_request,
        defaults.memory_limit,
    );

    if cpu_limit < cpu_request {
        return Err(invalid(
            &format!("{field}.limits.cpu"),
            "must not be below requests.cpu",
        ));
    }
    if memory_limit < memory_request {
        return Err(invalid(
            &format!("{field}.limits.memory"),
            "must not be below requests.memory",
        ));
    }
    if memory_limit < bytes(field, least_memory)? {
        return Err(invalid(
            &format!("{field}.limits.memory"),
            format!("must be at least {least_memory}"),
        ));
    }

    Ok(ContainerResources {
        cpu_request,
        cpu_limit,
        memory_request,
        memory_limit,
    })
}

fn request_and_limit<T: Ord + Copy>(
    request: Option<T>,
    limit: Option<T>,
    default_request: T,
    default_limit: T,
) -> (T, T) {
    let request_or_default = request
        .unwrap_or_else(|| limit.map_or(default_request, |limit| limit.min(default_request)));
    let limit_or_default = limit.unwrap_or_else(|| default_limit.max(request_or_default));

    (request_or_default, limit_or_default)
}

fn cpus(field: &str, text: &str) -> Result<MilliCpus, Invalid> {
    MilliCpus::parse(text).ok_or_else(|| {
        invalid(
            field,
            format!("must be a number of processors such as 2, 0.5 or 250m, not {text:?}"),
        )
    })
}

pub(super) fn bytes(field: &str, text: &str) -> Result<ByteCount, Invalid> {
    ByteCount::parse(text).ok_or_else(|| {
        invalid(
            field,
            format!("must be an amount with a unit such as 512Mi or 8Gi, not {text:?}"),
        )
    })
}
