//! What a platform gets when it does not say. The descriptions of the resource's fields tell the same numbers.

use crate::quantity::{ByteCount, MilliCpus};

pub(crate) const REGISTRY: &str = "docker.io/socialplatform";

pub(crate) struct ServiceDefaults {
    pub replicas: i32,
    pub resources: ResourceDefaults,
}

pub(crate) struct StoreDefaults {
    pub image: &'static str,
    pub volume_size: ByteCount,
    pub resources: ResourceDefaults,
}

pub(crate) struct ResourceDefaults {
    pub cpu_request: MilliCpus,
    pub cpu_limit: MilliCpus,
    pub memory_request: ByteCount,
    pub memory_limit: ByteCount,
    /// The least memory limit with which the program does its work at all.
    pub least_memory: ByteCount,
}

pub(crate) const SERVICE: ServiceDefaults = ServiceDefaults {
    replicas: 1,
    resources: ResourceDefaults {
        cpu_request: MilliCpus(20),
        cpu_limit: MilliCpus(1000),
        memory_request: ByteCount::mebibytes(32),
        memory_limit: ByteCount::mebibytes(256),
        least_memory: ByteCount::mebibytes(64),
    },
};

pub(crate) const MONGODB: StoreDefaults = StoreDefaults {
    image: "docker.io/library/mongo:6.0",
    volume_size: ByteCount::gibibytes(8),
    resources: ResourceDefaults {
        cpu_request: MilliCpus(100),
        cpu_limit: MilliCpus(1000),
        memory_request: ByteCount::mebibytes(256),
        memory_limit: ByteCount::gibibytes(1),
        least_memory: ByteCount::mebibytes(512),
    },
};

pub(crate) const REDIS: StoreDefaults = StoreDefaults {
    image: "docker.io/library/redis:8",
    volume_size: ByteCount::gibibytes(1),
    resources: ResourceDefaults {
        cpu_request: MilliCpus(20),
        cpu_limit: MilliCpus(1000),
        memory_request: ByteCount::mebibytes(32),
        memory_limit: ByteCount::mebibytes(256),
        least_memory: ByteCount::mebibytes(64),
    },
};

pub(crate) const RABBITMQ: StoreDefaults = StoreDefaults {
    image: "docker.io/library/rabbitmq:4.0",
    volume_size: ByteCount::gibibytes(2),
    resources: ResourceDefaults {
        cpu_request: MilliCpus(50),
        cpu_limit: MilliCpus(1000),
        memory_request: ByteCount::mebibytes(192),
        memory_limit: ByteCount::mebibytes(512),
        least_memory: ByteCount::mebibytes(256),
    },
};
