//! The words for why something is as it is.

/// Why a condition or a component is as it is. Each has a heading in `docs/troubleshooting.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// All of it is ready: the platform, or a component.
    Ready,
    /// There is nothing to report or to do.
    AsWanted,
    /// The gateway has ready pods.
    GatewayReady,
    /// The gateway has no ready pod.
    GatewayNotReady,
    /// MongoDB, Redis or RabbitMQ is not ready yet.
    WaitingForStores,
    /// MongoDB runs, but its replica set or its users are not there yet.
    SettingUpMongoDb,
    /// MongoDB refused to be set up; the operator tries again.
    MongoDbSetUpFailed,
    /// A service behind the gateway is not ready yet.
    WaitingForServices,
    /// The gateway is not ready yet.
    WaitingForGateway,
    /// Every pod is ready, but the gateway's Service did not answer the operator.
    GatewayNotAnswering,
    /// A component is not made yet: what it needs is not ready.
    WaitingForDependencies,
    /// A component's pods are starting.
    Starting,
    /// Pods are being replaced by pods of another version or other settings.
    RollingOut,
    /// Passwords or token keys are being replaced.
    RotatingCredentials,
    /// A rollout made no progress within its deadline.
    RolloutStuck,
    /// A component that was ready has pods that are not.
    PodsNotReady,
    /// The cluster refuses to make a component's pods: a quota, a policy.
    PodsRefused,
    /// The volume of a store is not there yet.
    WaitingForStorage,
    /// The cluster fails to provide the volume of a store.
    StorageUnavailable,
    /// No node has room for a pod, or none that it accepts.
    Unschedulable,
    /// An image cannot be pulled.
    ImageNotPulled,
    /// A container cannot be made: a Secret or a volume that it needs is missing.
    ContainerNotCreated,
    /// A container ends instead of running.
    CrashLooping,
    /// The node of a pod does not report any more.
    NodeLost,
    /// An object of an earlier platform of this name, or one that somebody deleted, has to go first.
    WaitingForDeletion,
    /// The platform is being deleted.
    Deleting,
    /// The platform's namespace is being deleted.
    NamespaceTerminating,
    /// The resource asks for something that cannot be made.
    Invalid,
    /// The resource asks for nothing to be changed.
    Paused,
    /// The resource asks for an object of a kind that the cluster does not have.
    KindNotInstalled,
    /// A service keeps its version until the one before it is ready with the new one.
    WaitingForUpgrade,
    /// An object with a name the platform needs belongs to somebody else.
    ObjectNotOurs,
    /// The Secret with the generated credentials lacks something or cannot be read.
    CredentialsInvalid,
    /// A Secret that the resource names does not exist or lacks a key.
    SecretMissing,
    /// A call to the API server failed; the operator tries again.
    ReconcileFailed,
}

impl Reason {
    pub const ALL: [Self; 35] = [
        Self::Ready,
        Self::AsWanted,
        Self::GatewayReady,
        Self::GatewayNotReady,
        Self::WaitingForStores,
        Self::SettingUpMongoDb,
        Self::MongoDbSetUpFailed,
        Self::WaitingForServices,
        Self::WaitingForGateway,
        Self::GatewayNotAnswering,
        Self::WaitingForDependencies,
        Self::Starting,
        Self::RollingOut,
        Self::RotatingCredentials,
        Self::RolloutStuck,
        Self::PodsNotReady,
        Self::PodsRefused,
        Self::WaitingForStorage,
        Self::StorageUnavailable,
        Self::Unschedulable,
        Self::ImageNotPulled,
        Self::ContainerNotCreated,
        Self::CrashLooping,
        Self::NodeLost,
        Self::WaitingForDeletion,
        Self::Deleting,
        Self::NamespaceTerminating,
        Self::Invalid,
        Self::Paused,
        Self::KindNotInstalled,
        Self::WaitingForUpgrade,
        Self::ObjectNotOurs,
        Self::CredentialsInvalid,
        Self::SecretMissing,
        Self::ReconcileFailed,
    ];

    /// The word in `status`, and the heading in `docs/troubleshooting.md`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::AsWanted => "AsWanted",
            Self::GatewayReady => "GatewayReady",
            Self::GatewayNotReady => "GatewayNotReady",
            Self::WaitingForStores => "WaitingForStores",
            Self::SettingUpMongoDb => "SettingUpMongoDB",
            Self::MongoDbSetUpFailed => "MongoDBSetUpFailed",
            Self::WaitingForServices => "WaitingForServices",
            Self::WaitingForGateway => "WaitingForGateway",
            Self::GatewayNotAnswering => "GatewayNotAnswering",
            Self::WaitingForDependencies => "WaitingForDependencies",
            Self::Starting => "Starting",
            Self::RollingOut => "RollingOut",
            Self::RotatingCredentials => "RotatingCredentials",
            Self::RolloutStuck => "RolloutStuck",
            Self::PodsNotReady => "PodsNotReady",
            Self::PodsRefused => "PodsRefused",
            Self::WaitingForStorage => "WaitingForStorage",
            Self::StorageUnavailable => "StorageUnavailable",
            Self::Unschedulable => "Unschedulable",
            Self::ImageNotPulled => "ImageNotPulled",
            Self::ContainerNotCreated => "ContainerNotCreated",
            Self::CrashLooping => "CrashLooping",
            Self::NodeLost => "NodeLost",
            Self::WaitingForDeletion => "WaitingForDeletion",
            Self::Deleting => "Deleting",
            Self::NamespaceTerminating => "NamespaceTerminating",
            Self::Invalid => "Invalid",
            Self::Paused => "Paused",
            Self::KindNotInstalled => "KindNotInstalled",
            Self::WaitingForUpgrade => "WaitingForUpgrade",
            Self::ObjectNotOurs => "ObjectNotOurs",
            Self::CredentialsInvalid => "CredentialsInvalid",
            Self::SecretMissing => "SecretMissing",
            Self::ReconcileFailed => "ReconcileFailed",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    /// The headings of `docs/troubleshooting.md` of this depth.
    fn headings(depth: &str) -> BTreeSet<String> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/troubleshooting.md");

        fs::read_to_string(path)
            .unwrap()
            .lines()
            .filter_map(|line| line.strip_prefix(depth)?.strip_prefix(' '))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_reason_is_explained_and_no_other() {
        let reasons = Reason::ALL.map(|reason| reason.as_str().to_owned());

        assert_eq!(headings("###"), reasons.into_iter().collect());
    }
}
