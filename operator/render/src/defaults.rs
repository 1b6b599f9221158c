//! What a platform gets when it does not say. The descriptions of the resource's fields tell the same numbers.

use operator_api::bounds::{self, StoreBounds};

use crate::{
    platform::Quota,
    quantity::{ByteCount, MilliCpus},
};

pub(crate) const REGISTRY: &str = "docker.io/socialplatform";

/// What each client may send to the gateway.
pub(crate) const QUOTA: Quota = Quota {
    per_minute: 1200,
    burst: 300,
};

/// What of it may be registering, logging in and refreshing tokens.
pub(crate) const AUTH_QUOTA: Quota = Quota {
    per_minute: 60,
    burst: 30,
};

pub(crate) const PASSWORD_MIN_LENGTH: i32 = 8;
pub(crate) const PAGE_CACHE_TTL_SECONDS: i32 = 60;
pub(crate) const UNCLAIMED_UPLOAD_TTL_SECONDS: i32 = 24 * 60 * 60;
pub(crate) const S3_REGION: &str = "us-east-1";

/// Pods of each of our services.
pub(crate) const REPLICAS: i32 = 1;

/// Use of processors that an autoscaler aims at, in percent of what pods request.
pub(crate) const TARGET_CPU_PERCENT: i32 = 80;

/// What pods of a component are spread over.
pub(crate) const TOPOLOGY_KEY: &str = "kubernetes.io/hostname";

pub(crate) const METRICS_INTERVAL_SECONDS: i32 = 30;

pub(crate) struct StoreDefaults {
    pub image: &'static str,
    pub bounds: StoreBounds,
    pub resources: ResourceDefaults,
}

pub(crate) struct ResourceDefaults {
    pub cpu_request: MilliCpus,
    pub cpu_limit: MilliCpus,
    pub memory_request: ByteCount,
    pub memory_limit: ByteCount,
}

/// Of each of our services.
pub(crate) const SERVICE: ResourceDefaults = ResourceDefaults {
    cpu_request: MilliCpus(20),
    cpu_limit: MilliCpus(1000),
    memory_request: ByteCount::mebibytes(32),
    memory_limit: ByteCount::mebibytes(256),
};

pub(crate) const MONGODB: StoreDefaults = StoreDefaults {
    image: "docker.io/library/mongo:6.0",
    bounds: bounds::MONGODB,
    resources: ResourceDefaults {
        cpu_request: MilliCpus(100),
        cpu_limit: MilliCpus(1000),
        memory_request: ByteCount::mebibytes(256),
        memory_limit: ByteCount::gibibytes(1),
    },
};

pub(crate) const REDIS: StoreDefaults = StoreDefaults {
    image: "docker.io/library/redis:8",
    bounds: bounds::REDIS,
    resources: ResourceDefaults {
        cpu_request: MilliCpus(20),
        cpu_limit: MilliCpus(1000),
        memory_request: ByteCount::mebibytes(32),
        memory_limit: ByteCount::mebibytes(256),
    },
};

pub(crate) const RABBITMQ: StoreDefaults = StoreDefaults {
    image: "docker.io/library/rabbitmq:4.0",
    bounds: bounds::RABBITMQ,
    resources: ResourceDefaults {
        cpu_request: MilliCpus(50),
        cpu_limit: MilliCpus(1000),
        memory_request: ByteCount::mebibytes(192),
        memory_limit: ByteCount::mebibytes(512),
    },
};
