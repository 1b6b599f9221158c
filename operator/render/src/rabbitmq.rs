//! RabbitMQ: one node, set up by files alone.

use k8s_openapi::api::core::v1::EnvVar;
use operator_api::{
    Component,
    names::{RABBITMQ_PORT, object_name},
};
use serde_json::{Value, json};

use crate::{
    config_hash::ConfigHash,
    credentials::{Credentials, RabbitMqLogin, RabbitMqUser},
    env, network_policy,
    objects::StoreObjects,
    platform::{StoreShape, ValidatedPlatform},
    pod,
    quantity::ByteCount,
    secret,
    store::{self, Port, Server},
};

const PORT: Port = Port {
    name: "amqp",
    number: RABBITMQ_PORT,
};

const CONFIG_VOLUME: &str = "config";
const CONFIG_FILE: &str = "rabbitmq.conf";
pub(crate) const DEFINITIONS_FILE: &str = "definitions.json";
const PLUGINS_FILE: &str = "enabled_plugins";
const DATA_PATH: &str = "/var/lib/rabbitmq";

/// The server's home, where it keeps the cookie that its command-line tools know it by. Each pod makes its own.
const HOME_VOLUME: &str = "home";
const HOME_PATH: &str = "/run/rabbitmq";

pub(crate) fn objects(
    platform: &ValidatedPlatform,
    shape: &StoreShape,
    credentials: &Credentials,
) -> StoreObjects {
    let component = Component::RabbitMq;
    let config = config(shape);
    let definitions = definitions(credentials);
    let secret = secret::of(
        platform,
        component,
        &[
            (CONFIG_FILE, &config),
            (DEFINITIONS_FILE, &definitions),
            // An empty list: the server needs no plug-in to carry messages.
            (PLUGINS_FILE, "[].\n"),
        ],
    );
    let server = Server {
        component,
        shape,
        command: vec!["rabbitmq-server".to_owned()],
        env: environment(),
        port: PORT,
        data_path: DATA_PATH,
        startup_seconds: 300,
        init_containers: Vec::new(),
        volumes: vec![
            pod::secret_volume(
                CONFIG_VOLUME,
                object_name(&platform.name, component),
                &[CONFIG_FILE, DEFINITIONS_FILE, PLUGINS_FILE],
            ),
            pod::scratch_volume(HOME_VOLUME, ByteCount::mebibytes(16)),
        ],
        mounts: vec![
            pod::read_only_mount(CONFIG_VOLUME, "/etc/socialplatform/rabbitmq"),
            pod::mount(HOME_VOLUME, HOME_PATH),
        ],
        config: ConfigHash::default().secret(&secret),
    };

    StoreObjects {
        secret,
        service: store::headless_service(platform, component, PORT),
        network_policy: network_policy::of(platform, component),
        stateful_set: store::stateful_set(platform, server),
    }
}

/// Settings of the server's own start scripts, which every image has.
fn environment() -> Vec<EnvVar> {
    vec![
        env::value("HOME", HOME_PATH),
        // The name is part of the path of the data. It must not be the pod's, which is another in every platform.
        env::value("RABBITMQ_NODENAME", "rabbit@localhost"),
        env::value(
            "RABBITMQ_CONFIG_FILE",
            format!("/etc/socialplatform/rabbitmq/{CONFIG_FILE}"),
        ),
        // Images bring settings of their own in the directory this would name otherwise.
        env::value(
            "RABBITMQ_CONFIG_FILES",
            "/etc/socialplatform/rabbitmq/conf.d",
        ),
        env::value(
            "RABBITMQ_ENABLED_PLUGINS_FILE",
            format!("/etc/socialplatform/rabbitmq/{PLUGINS_FILE}"),
        ),
        env::value("RABBITMQ_MNESIA_BASE", format!("{DATA_PATH}/mnesia")),
        env::value("RABBITMQ_LOG_BASE", format!("{DATA_PATH}/log")),
        env::value("RABBITMQ_LOGS", "-"),
        // Nodes of a cluster, and whoever has the cookie, may run code in each other: with one node, nobody outside the pod is let in.
        env::value(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-kernel inet_dist_use_interface {127,0,0,1}",
        ),
        env::value("ERL_EPMD_ADDRESS", "127.0.0.1"),
        // A table of ports as large as the node's limit of open files would fill the memory.
        env::value("ERL_MAX_PORTS", 65536),
        // A crash dump holds whatever was in memory.
        env::value("ERL_CRASH_DUMP_SECONDS", 0),
    ]
}

/// Publishers are paused above three fifths of the memory, before the container is ended for it, and below the same amount of free
/// disk, or a quarter of a small volume.
fn config(shape: &StoreShape) -> String {
    let watermark = shape.resources.memory_limit.percent(60);
    let free_disk = watermark.min(shape.volume_size.percent(25));

    format!(
        "listeners.tcp.default = {RABBITMQ_PORT}\n\
         load_definitions = /etc/socialplatform/rabbitmq/{DEFINITIONS_FILE}\n\
         default_queue_type = quorum\n\
         vm_memory_high_watermark.absolute = {watermark}\n\
         disk_free_limit.absolute = {free_disk}\n\
         log.console = true\n\
         log.console.level = info\n\
         log.file = false\n",
        watermark = watermark.0,
        free_disk = free_disk.0,
    )
}

/// The hash of no password anybody will find: of zeros alone, salt included.
const LOCKED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// One user for all services, with everything on the one virtual host. With definitions to load, the server makes no user `guest`.
///
/// The server adds what is in its definitions and forgets nothing that is not, so a user who had a password is told to have none.
fn definitions(credentials: &Credentials) -> String {
    let logins: Vec<_> = credentials
        .known_passwords()
        .map(|passwords| &passwords.rabbitmq)
        .collect();
    let known = |login: &&RabbitMqLogin| user(login.user, &login.password_hash);
    let mut users: Vec<_> = logins.iter().map(known).collect();
    if let [only] = logins[..]
        && credentials.passwords.generation > 1
    {
        users.push(user(only.user.other(), LOCKED));
    }
    let permissions: Vec<_> = logins
        .iter()
        .map(|login| {
            json!({ "user": login.user.as_str(), "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" })
        })
        .collect();
    let definitions = json!({
        "vhosts": [{ "name": "/" }],
        "users": users,
        "permissions": permissions,
    });

    format!("{definitions:#}\n")
}

fn user(user: RabbitMqUser, password_hash: &str) -> Value {
    json!({
        "name": user.as_str(),
        "password_hash": password_hash,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        credentials::{Passwords, PasswordsStage},
        fixture,
    };

    /// Users and their hashes, and who may do something.
    fn people(credentials: &Credentials) -> (Vec<(String, String)>, Vec<String>) {
        let definitions: Value = serde_json::from_str(&definitions(credentials)).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let list = |key: &str| definitions[key].as_array().unwrap().clone();

        (
            list("users")
                .iter()
                .map(|user| (text(&user["name"]), text(&user["password_hash"])))
                .collect(),
            list("permissions")
                .iter()
                .map(|permission| text(&permission["user"]))
                .collect(),
        )
    }

    #[test]
    fn users_take_turns_and_the_one_before_is_locked_out() {
        let first = fixture::credentials();
        let second = Passwords {
            generation: 2,
            rabbitmq: RabbitMqLogin {
                user: RabbitMqUser::Second,
                password_hash: "hash-2".to_owned(),
                ..first.passwords.rabbitmq.clone()
            },
            ..first.passwords.clone()
        };
        let learning = Credentials {
            passwords_stage: PasswordsStage::Learning {
                next: Box::new(second.clone()),
            },
            ..first.clone()
        };
        let settled = Credentials {
            passwords: second,
            ..first.clone()
        };
        let hash = &first.passwords.rabbitmq.password_hash;
        let user = |name: &str, hash: &str| (name.to_owned(), hash.to_owned());

        assert_eq!(
            people(&first),
            (vec![user("social", hash)], vec!["social".to_owned()])
        );
        assert_eq!(
            people(&learning),
            (
                vec![user("social", hash), user("social-2", "hash-2")],
                vec!["social".to_owned(), "social-2".to_owned()]
            )
        );
        assert_eq!(
            people(&settled),
            (
                vec![user("social-2", "hash-2"), user("social", LOCKED)],
                vec!["social-2".to_owned()]
            )
        );
    }
}
