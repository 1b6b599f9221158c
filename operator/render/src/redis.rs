//! Redis: one server with an append-only file.

use operator_api::{
    Component,
    names::{REDIS_PORT, object_name},
};

use crate::{
    config_hash::ConfigHash,
    credentials::Credentials,
    network_policy,
    objects::StoreObjects,
    platform::{StoreShape, ValidatedPlatform},
    pod,
    quantity::ByteCount,
    secret,
    store::{self, Port, Server},
};

const PORT: Port = Port {
    name: "redis",
    number: REDIS_PORT,
};

const CONFIG_VOLUME: &str = "config";
const CONFIG_FILE: &str = "redis.conf";
const DATA_PATH: &str = "/data";

pub(crate) fn objects(
    platform: &ValidatedPlatform,
    shape: &StoreShape,
    credentials: &Credentials,
) -> StoreObjects {
    let component = Component::Redis;
    let passwords: Vec<_> = credentials
        .known_passwords()
        .map(|passwords| passwords.redis.as_str())
        .collect();
    let config = config(shape.resources.memory_limit, &passwords);
    let secret = secret::of(platform, component, &[(CONFIG_FILE, &config)]);
    let server = Server {
        component,
        shape,
        command: vec![
            "redis-server".to_owned(),
            format!("/etc/redis/{CONFIG_FILE}"),
        ],
        env: Vec::new(),
        port: PORT,
        data_path: DATA_PATH,
        startup_seconds: 300,
        init_containers: Vec::new(),
        volumes: vec![pod::secret_volume(
            CONFIG_VOLUME,
            object_name(&platform.name, component),
            &[CONFIG_FILE],
        )],
        mounts: vec![pod::read_only_mount(CONFIG_VOLUME, "/etc/redis")],
        config: ConfigHash::default().secret(&secret),
    };

    StoreObjects {
        secret,
        service: store::headless_service(platform, component, PORT),
        network_policy: network_policy::of(platform, component),
        stateful_set: store::stateful_set(platform, server),
    }
}

/// The quarter of the memory above `maxmemory` is for the server itself and for the pages that change while it rewrites its file.
/// Only keys that expire anyway are thrown out when it is full; the rest of the data must not disappear unasked.
fn config(memory_limit: ByteCount, passwords: &[&str]) -> String {
    let ByteCount(maxmemory) = memory_limit.percent(75);
    let access = access(passwords);

    format!(
        "port {REDIS_PORT}\n\
         dir {DATA_PATH}\n\
         {access}\n\
         appendonly yes\n\
         appendfsync everysec\n\
         save \"\"\n\
         maxmemory {maxmemory}\n\
         maxmemory-policy volatile-lru\n"
    )
}

/// Whoever has one of the passwords may do everything.
fn access(passwords: &[&str]) -> String {
    match passwords {
        [only] => format!("requirepass {only}"),
        several => format!("user default on ~* &* +@all >{}", several.join(" >")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_on_their_way_in_or_out_are_taken_too() {
        assert_eq!(access(&["a"]), "requirepass a");
        assert_eq!(access(&["a", "b"]), "user default on ~* &* +@all >a >b");
    }
}
