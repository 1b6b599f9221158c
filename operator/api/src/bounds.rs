//! Numbers that both the rules of the schema and the operator go by.

/// What a store's volume and memory must be, or are unless somebody says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreBounds {
    /// Size of a volume that is asked for without one.
    pub default_volume: &'static str,
    /// The least memory limit with which the server does its work at all.
    pub least_memory: &'static str,
}

pub const MONGODB: StoreBounds = StoreBounds {
    default_volume: "8Gi",
    least_memory: "512Mi",
};
pub const REDIS: StoreBounds = StoreBounds {
    default_volume: "1Gi",
    least_memory: "64Mi",
};
pub const RABBITMQ: StoreBounds = StoreBounds {
    default_volume: "2Gi",
    least_memory: "256Mi",
};

/// The least memory limit with which one of our services does its work at all.
pub const LEAST_SERVICE_MEMORY: &str = "64Mi";

/// The smallest volume a store can live with.
pub const LEAST_VOLUME: &str = "256Mi";
