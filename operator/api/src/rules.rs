//! Rules that bounds alone cannot tell, each with the sentence people read when they break it.

mod credentials;
mod gateway;
mod identity;
mod media;
mod pods;

use kube::core::Rule;

use crate::{
    bounds::{LEAST_SERVICE_MEMORY, LEAST_VOLUME, StoreBounds},
    names::MAX_PLATFORM_NAME,
};

pub(crate) use credentials::{generation_never_falls, only_what_is_generated_is_rotated};
pub(crate) use gateway::{
    every_origin_stands_alone, hosts_are_hosts, is_a_host, node_port_is_asked_for,
    origins_are_origins,
};
pub(crate) use identity::{
    idle_sessions_end_between, memory_holds_the_password_hashes, password_hashes_are_costly,
    sessions_outlast_access_tokens,
};
pub(crate) use media::{
    is_a_bucket, is_a_region, is_an_http_server, kind_of_media_storage_is_fixed,
    quota_holds_the_largest_upload, storage_is_one_of_three,
};
pub(crate) use pods::{
    least_pods_are_not_above_most, only_eviction_is_put_off, replicas_are_fixed_or_follow,
    toleration_of_everything_exists, toleration_that_exists_has_no_value,
    values_go_with_the_operator,
};

pub(crate) fn name_is_a_dns_label() -> Rule {
    rule(
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name must start with a letter and consist of small letters, digits and hyphens: Services are named after it",
    )
}

pub(crate) fn name_is_short() -> Rule {
    rule(
        &format!("self.metadata.name.size() <= {MAX_PLATFORM_NAME}"),
        &format!(
            "metadata.name must not be longer than {MAX_PLATFORM_NAME} characters: objects are named after it"
        ),
    )
}

/// A version is a label value too, hence the letter or digit at its end.
pub(crate) fn is_an_image_tag() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$')",
        "must be an image tag: letters, digits, dots, hyphens and underscores, with a letter or digit at both ends",
    )
}

pub(crate) fn is_a_registry() -> Rule {
    let (host, path) = (HOST, PATH);

    rule(
        &format!("self.matches('^{host}{path}$')"),
        "must be a registry and a path in it, such as registry.example.com:5000/social, without https:// and without a tag",
    )
}

pub(crate) fn is_an_image() -> Rule {
    let (host, path) = (HOST, PATH);
    let tag = "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?";
    let digest = "(@sha256:[0-9a-f]{64})?";

    rule(
        &format!("self.matches('^{host}{path}{tag}{digest}$')"),
        "must be an image, such as registry.example.com/mongo:6.0, without https://",
    )
}

pub(crate) fn is_an_object_name() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",
        "must be the name of an object: small letters, digits, hyphens and dots, with a letter or digit at both ends",
    )
}

/// What is shown to people is shown as it is.
pub(crate) fn is_one_line() -> Rule {
    rule(
        "!self.matches('[[:cntrl:]]')",
        "must be one line of text without control characters",
    )
}

/// A StatefulSet refuses a change of its volumes. The rule sits where it also sees a store that is mentioned for the first time, or
/// no more: a rule beside the field would not be asked then.
pub(crate) fn volume_size_is_fixed(store: &str, bounds: &StoreBounds) -> Rule {
    let path = [store, "managed", "storage", "size"];
    let size = |of: &str| format!("quantity({})", field_or(of, &path, bounds.default_volume));

    rule(
        &format!("{}.compareTo({}) == 0", size("self"), size("oldSelf")),
        &format!("{} cannot be changed after creation", path.join(".")),
    )
}

pub(crate) fn storage_class_is_fixed(store: &str) -> Rule {
    let path = [store, "managed", "storage", "storageClassName"];

    rule(
        &format!(
            "{} == {}",
            field_or("self", &path, ""),
            field_or("oldSelf", &path, "")
        ),
        &format!("{} cannot be changed after creation", path.join(".")),
    )
}

/// What a store keeps does not come along when somebody else runs it from then on.
pub(crate) fn store_is_fixed(store: &str) -> Rule {
    let external = |of: &str| format!("(has({of}.{store}) && has({of}.{store}.external))");

    rule(
        &format!("{} == {}", external("self"), external("oldSelf")),
        &format!(
            "{store} cannot change between managed and external after creation: what it keeps would not come along"
        ),
    )
}

pub(crate) fn store_is_one_of_two() -> Rule {
    rule(
        "!has(self.managed) || !has(self.external)",
        "must be managed or external, not both",
    )
}

pub(crate) fn volume_is_large_enough() -> Rule {
    is_at_least(&["size"], LEAST_VOLUME)
}

pub(crate) fn store_memory_is_enough(bounds: &StoreBounds) -> Rule {
    is_at_least(
        &["managed", "resources", "limits", "memory"],
        bounds.least_memory,
    )
}

pub(crate) fn service_memory_is_enough() -> Rule {
    is_at_least(&["resources", "limits", "memory"], LEAST_SERVICE_MEMORY)
}

/// Kubernetes refuses a pod whose limit is below its request; this says so before there is a pod.
pub(crate) fn cpu_limit_is_not_below_request() -> Rule {
    // Processors may be given as a number.
    limit_is_not_below_request("cpu", |field| format!("quantity(string({field}))"))
}

/// What is text already is not made text again: the API server then no longer knows how long it is, takes the worst for granted, and
/// refuses the rule as too costly.
pub(crate) fn memory_limit_is_not_below_request() -> Rule {
    limit_is_not_below_request("memory", |field| format!("quantity({field})"))
}

fn limit_is_not_below_request(resource: &str, quantity: impl Fn(&str) -> String) -> Rule {
    let limit = format!("self.limits.{resource}");
    let request = format!("self.requests.{resource}");
    let both_given =
        format!("has(self.limits) && has(self.requests) && has({limit}) && has({request})");

    rule(
        &format!(
            "!({both_given}) || {}.compareTo({}) >= 0",
            quantity(&limit),
            quantity(&request)
        ),
        &format!("limits.{resource} must not be below requests.{resource}"),
    )
}

fn is_at_least(path: &[&str], least: &str) -> Rule {
    let given = field_or("self", path, least);

    rule(
        &format!("quantity({given}).compareTo(quantity('{least}')) >= 0"),
        &format!("{} must be at least {least}", path.join(".")),
    )
}

/// A field below `of`, or `otherwise` when it or anything above it was left out.
///
/// Spelled out instead of with `?.` and `orValue`: the API server does not know how long a text from there is, takes the worst for
/// granted, and refuses the rule as too costly.
fn field_or(of: &str, path: &[&str], otherwise: &str) -> String {
    field_or_else(of, path, &format!("'{otherwise}'"))
}

/// As [`field_or`], of a number.
fn number_or(of: &str, path: &[&str], otherwise: impl Into<i64>) -> String {
    field_or_else(of, path, &otherwise.into().to_string())
}

fn field_or_else(of: &str, path: &[&str], otherwise: &str) -> String {
    let mut field = of.to_owned();
    let mut is_given = Vec::new();
    for step in path {
        field = format!("{field}.{step}");
        is_given.push(format!("has({field})"));
    }

    format!("({} ? {field} : {otherwise})", is_given.join(" && "))
}

fn rule(rule: &str, message: &str) -> Rule {
    Rule::new(rule).message(message)
}

/// Host and port of a registry, or the first part of a path.
const HOST: &str = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:[0-9]{1,5})?";

const PATH: &str = "(/[a-z0-9]+([._-]+[a-z0-9]+)*)*";

#[cfg(test)]
mod tests;
