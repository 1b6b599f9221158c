//! Rules of the gateway's part.

use kube::core::Rule;

use super::rule;

/// A DNS name, of which the first label may stand for any.
const HOST_NAME: &str =
    r"^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
const HOST_ADVICE: &str =
    "must be a host name such as social.example.com, without https://, port and path";

pub(crate) fn node_port_is_asked_for() -> Rule {
    rule(
        "!has(self.nodePort) || (has(self.type) && self.type == 'NodePort')",
        "nodePort is only for type NodePort",
    )
}

pub(crate) fn is_a_host() -> Rule {
    rule(&format!("self.matches('{HOST_NAME}')"), HOST_ADVICE)
}

pub(crate) fn hosts_are_hosts() -> Rule {
    rule(
        &format!("self.all(host, host.matches('{HOST_NAME}'))"),
        HOST_ADVICE,
    )
}

/// Origins are compared as browsers send them, and listed with commas between them.
pub(crate) fn origins_are_origins() -> Rule {
    let scheme = "[a-z][a-z0-9+.-]*";
    let host = r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\\[[0-9a-f:]+\\])";
    let port = "(:[0-9]{1,5})?";

    rule(
        &format!("self.all(origin, origin == '*' || origin.matches('^{scheme}://{host}{port}$'))"),
        "must be * or origins as browsers spell them, such as https://app.example.com: scheme, host and port in small letters, without a path or a slash at the end",
    )
}

pub(crate) fn every_origin_stands_alone() -> Rule {
    rule(
        "!('*' in self) || self.size() == 1",
        "* means every origin and must stand alone",
    )
}
