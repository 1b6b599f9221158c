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

/// How long tokens and sessions last unless somebody says otherwise, in seconds.
pub const ACCESS_TOKEN_TTL_SECONDS: i32 = 60 * 60;
pub const REFRESH_TOKEN_TTL_SECONDS: i32 = 30 * 24 * 60 * 60;
pub const REFRESH_TOKEN_IDLE_SECONDS: i32 = 7 * 24 * 60 * 60;

/// Argon2id's parameters unless somebody says otherwise: one of the sets that OWASP recommends.
pub const PASSWORD_HASH_MEMORY_KIB: i32 = 19_456;
pub const PASSWORD_HASH_ITERATIONS: i32 = 2;
pub const PASSWORD_HASH_PARALLELISM: i32 = 1;

/// Memory times iterations of the weakest set of parameters that OWASP recommends, in KiB.
pub const LEAST_PASSWORD_HASH_WORK: i32 = 7168 * 5;

/// What identity needs beside the memory of its password hashes, in bytes.
pub const IDENTITY_BASE_MEMORY: i64 = 32 * 1024 * 1024;

/// The largest upload, and how much one person may keep, unless somebody says otherwise.
pub const MAX_UPLOAD_BYTES: i64 = 5 * 1024 * 1024;
pub const USER_QUOTA_BYTES: i64 = 1024 * 1024 * 1024;
