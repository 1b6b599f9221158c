//! Gives MongoDB its key file in the only shape it accepts: readable by its own user and nobody else.
//!
//! Kubernetes mounts the file of a Secret as root's, readable by the pod's group, and `mongod` ends over that. This
//! program runs before it, as the same user: `keyfile FROM TO` copies the file with mode 0400. It is an image of its
//! own with a version of its own, so that neither a new operator nor a new version of the services restarts MongoDB.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

/// The owner may read, nobody may write.
const MODE: u32 = 0o400;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [from, to] = arguments.as_slice() else {
        eprintln!("usage: keyfile FROM TO");
        return ExitCode::from(2);
    };
    match install(Path::new(from), Path::new(to)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (from, to) = (from.display(), to.display());
            eprintln!("keyfile: failed to copy {from} to {to}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Copies in one move, so that a copy that was interrupted is never taken for the key.
fn install(from: &Path, to: &Path) -> io::Result<()> {
    let key = fs::read(from)?;
    let partial = to.with_extension("partial");
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(&partial)?;
    file.write_all(&key)?;
    file.sync_all()?;

    fs::rename(&partial, to)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("keyfile-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder can be written");
        folder
    }

    #[test]
    fn the_copy_is_for_its_owner_alone() {
        let folder = folder("mode");
        fs::write(folder.join("secret"), "key").expect("written");
        // Twice, and over what an interrupted run left: a pod may run it again on the same volume.
        fs::write(folder.join("key.partial"), "ke").expect("written");
        for _ in 0..2 {
            install(&folder.join("secret"), &folder.join("key")).expect("copied");
        }

        let mode = fs::metadata(folder.join("key"))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, MODE);
        assert_eq!(
            fs::read_to_string(folder.join("key")).expect("readable"),
            "key"
        );
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_missing_key_is_an_error() {
        let folder = folder("missing");
        assert!(install(&folder.join("secret"), &folder.join("key")).is_err());
        fs::remove_dir_all(folder).expect("removed");
    }
}
