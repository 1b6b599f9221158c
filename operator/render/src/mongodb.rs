//! MongoDB: one member of a replica set, which the operator initiates over the network.

use operator_api::{
    Component,
    names::{MONGODB_PORT, REPLICA_SET, object_name},
};

use crate::{
    config_hash::ConfigHash,
    credentials::Credentials,
    keyfile, network_policy,
    objects::StoreObjects,
    platform::{StoreShape, ValidatedPlatform},
    quantity::ByteCount,
    secret,
    store::{self, Port, Server},
};

const PORT: Port = Port {
    name: "mongodb",
    number: MONGODB_PORT,
};

const DATA_PATH: &str = "/data/db";

/// The smallest cache the server takes.
const LEAST_CACHE: ByteCount = ByteCount::mebibytes(256);

pub(crate) fn objects(
    platform: &ValidatedPlatform,
    shape: &StoreShape,
    credentials: &Credentials,
) -> StoreObjects {
    let component = Component::MongoDb;
    let secret = secret::of(
        platform,
        component,
        &[(keyfile::KEY_FILE, &credentials.mongodb_keyfile)],
    );
    let server = Server {
        component,
        shape,
        command: command(shape),
        env: Vec::new(),
        port: PORT,
        data_path: DATA_PATH,
        // Replaying the journal of a large volume takes minutes.
        startup_seconds: 600,
        init_containers: vec![keyfile::init_container(platform)],
        volumes: keyfile::volumes(object_name(&platform.name, component)),
        mounts: vec![keyfile::mount()],
        config: ConfigHash::default().secret(&secret),
    };

    StoreObjects {
        secret,
        service: store::headless_service(platform, component, PORT),
        network_policy: network_policy::of(platform, component),
        stateful_set: store::stateful_set(platform, server),
    }
}

fn command(shape: &StoreShape) -> Vec<String> {
    let options = [
        ("--replSet", REPLICA_SET.to_owned()),
        // Members know each other by this key, and clients need a password wherever they come from: without users, whoever reached
        // loopback could make the first.
        ("--keyFile", keyfile::path()),
        (
            "--setParameter",
            "enableLocalhostAuthBypass=false".to_owned(),
        ),
        ("--dbpath", DATA_PATH.to_owned()),
        (
            "--wiredTigerCacheSizeGB",
            cache_gibibytes(shape.resources.memory_limit),
        ),
        ("--oplogSize", oplog_mebibytes(shape.volume_size)),
    ];
    // A socket file would need a directory to write to, and nobody in the pod would use it. Probes connect every few seconds; quiet
    // leaves them out of the log.
    let switches = ["--bind_ip_all", "--nounixsocket", "--quiet"];

    let mut command = vec!["mongod".to_owned()];
    command.extend(
        options
            .into_iter()
            .flat_map(|(option, value)| [option.to_owned(), value]),
    );
    command.extend(switches.map(str::to_owned));

    command
}

/// Two fifths of the memory: connections, sorts and the server itself need the rest. The server's own choice would be made from the
/// memory of the node.
fn cache_gibibytes(memory_limit: ByteCount) -> String {
    let ByteCount(bytes) = memory_limit.percent(40).max(LEAST_CACHE);
    let hundredths = (bytes * 100) >> 30;

    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// A twentieth of the volume that was asked for. The server's own choice would be made from the free space of the disk, which with a
/// volume of a node's disk is that of the node.
fn oplog_mebibytes(volume_size: ByteCount) -> String {
    let ByteCount(bytes) = volume_size.percent(5);

    (bytes >> 20).clamp(64, 50 << 10).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_follows_the_memory_limit() {
        assert_eq!(
            cache_gibibytes(ByteCount::mebibytes(512)),
            "0.25",
            "the least the server takes"
        );
        assert_eq!(cache_gibibytes(ByteCount::gibibytes(1)), "0.39");
        assert_eq!(cache_gibibytes(ByteCount::gibibytes(16)), "6.39");
    }

    #[test]
    fn the_oplog_follows_the_volume() {
        assert_eq!(oplog_mebibytes(ByteCount::mebibytes(256)), "64");
        assert_eq!(oplog_mebibytes(ByteCount::gibibytes(8)), "409");
        assert_eq!(oplog_mebibytes(ByteCount::gibibytes(4000)), "51200");
    }
}
