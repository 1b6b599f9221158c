//! MongoDB's key file, in the one shape the server accepts: `mongod` ends when its group may read it, and a Secret of a pod that is
//! not root's is mounted just so. A program of ours copies it before the server starts.

use k8s_openapi::api::core::v1::{Container, EmptyDirVolumeSource, Volume, VolumeMount};

use crate::{
    platform::{ContainerResources, ValidatedPlatform},
    pod,
    quantity::{ByteCount, MilliCpus},
};

pub(crate) const KEY_FILE: &str = "keyfile";

/// The version of the program, which is not that of the services or the operator: neither of their upgrades restarts MongoDB.
const VERSION: &str = "1";

const SECRET_VOLUME: &str = "keyfile-secret";
const SECRET_PATH: &str = "/run/keyfile";
const VOLUME: &str = "keyfile";
const PATH: &str = "/etc/mongodb";

const RESOURCES: ContainerResources = ContainerResources {
    cpu_request: MilliCpus(10),
    cpu_limit: MilliCpus(100),
    memory_request: ByteCount::mebibytes(8),
    memory_limit: ByteCount::mebibytes(32),
};

/// Where the server finds the file.
pub(crate) fn path() -> String {
    format!("{PATH}/{KEY_FILE}")
}

/// The file as the Secret has it, and the memory it is copied to.
pub(crate) fn volumes(secret: String) -> Vec<Volume> {
    let copy = Volume {
        name: VOLUME.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            medium: Some("Memory".to_owned()),
            size_limit: Some(ByteCount::mebibytes(1).quantity()),
        }),
        ..Volume::default()
    };

    vec![pod::secret_volume(SECRET_VOLUME, secret, &[KEY_FILE]), copy]
}

pub(crate) fn mount() -> VolumeMount {
    pod::read_only_mount(VOLUME, PATH)
}

pub(crate) fn init_container(platform: &ValidatedPlatform) -> Container {
    Container {
        name: "keyfile".to_owned(),
        image: Some(format!("{}/keyfile:{VERSION}", platform.images.registry)),
        image_pull_policy: pod::pull_policy(platform),
        command: Some(vec![
            "/usr/local/bin/keyfile".to_owned(),
            format!("{SECRET_PATH}/{KEY_FILE}"),
            path(),
        ]),
        volume_mounts: Some(vec![
            pod::read_only_mount(SECRET_VOLUME, SECRET_PATH),
            pod::mount(VOLUME, PATH),
        ]),
        resources: Some(pod::resource_requirements(&RESOURCES)),
        security_context: Some(pod::container_security()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}
