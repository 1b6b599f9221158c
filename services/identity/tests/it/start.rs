//! The process, from its settings to its end.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use test_kit::{KEYS_FILE, REFRESH_KEY_FILE, SIGNING_KEY_FILE, key_file, scope};
use token::{Scope, Signer};

const PATIENCE: Duration = Duration::from_secs(10);
const OTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIFJiVV1R2rtS5YURpnMflEGbExD+K+ZZJwFwl0tC/bep
-----END PRIVATE KEY-----
";

type Settings = Vec<(&'static str, String)>;

fn settings() -> Settings {
    let Scope { issuer, audience } = scope();
    let path = |name| key_file(name).display().to_string();

    vec![
        (
            "MONGODB_URL",
            "mongodb://secret@127.0.0.1:1/identity".to_owned(),
        ),
        ("REDIS_URL", "redis://127.0.0.1:1".to_owned()),
        ("RABBITMQ_URL", "amqp://127.0.0.1:1".to_owned()),
        ("TOKEN_ISSUER", issuer),
        ("TOKEN_AUDIENCE", audience),
        ("TOKEN_KEYS_FILE", path(KEYS_FILE)),
        ("TOKEN_SIGNING_KEY_FILE", path(SIGNING_KEY_FILE)),
        ("REFRESH_KEY_FILE", path(REFRESH_KEY_FILE)),
        ("LISTEN_ADDRESS", "127.0.0.1:0".to_owned()),
        ("ADMIN_ADDRESS", "127.0.0.1:0".to_owned()),
    ]
}

fn with(name: &'static str, value: &str) -> Settings {
    let mut settings = settings();
    settings.retain(|(known, _)| *known != name);
    settings.push((name, value.to_owned()));
    settings
}

/// What the program says when it does not start.
fn refusal(settings: Settings) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_identity"))
        .env_clear()
        .envs(settings)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built");
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > deadline {
            child.kill().expect("a child");
            panic!("the program did not end by itself");
        }
        std::thread::yield_now();
    }
    let Output { status, stderr, .. } = child.wait_with_output().expect("a child");
    let said = String::from_utf8(stderr).expect("UTF-8");
    assert!(!status.success(), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("identity: "), "{said}");
    assert!(!said.contains("secret"), "{said}");

    said
}

/// A file with this content that only the caller uses.
fn file(name: &str, content: &str) -> PathBuf {
    let path = key_file(KEYS_FILE).with_file_name(name);
    std::fs::write(&path, content).expect("written");

    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn a_missing_setting_ends_the_start_with_its_name() {
    for missing in [
        "MONGODB_URL",
        "TOKEN_ISSUER",
        "TOKEN_AUDIENCE",
        "TOKEN_KEYS_FILE",
        "TOKEN_SIGNING_KEY_FILE",
        "REFRESH_KEY_FILE",
    ] {
        let mut settings = settings();
        settings.retain(|(name, _)| *name != missing);
        let said = refusal(settings);
        assert!(said.contains("missing setting"), "{said}");
        assert!(said.contains(missing), "{said}");
    }
}

#[test]
fn a_bad_setting_ends_the_start_with_its_name() {
    let not_a_key = file("not-a-key", "secret");
    for (name, value) in [
        ("MONGODB_URL", "secret"),
        ("MONGODB_URL", "mongodb://secret@127.0.0.1:1"),
        ("TOKEN_KEYS_FILE", "/nowhere"),
        ("TOKEN_KEYS_FILE", text(&not_a_key)),
        ("TOKEN_SIGNING_KEY_FILE", "/nowhere"),
        ("TOKEN_SIGNING_KEY_FILE", text(&not_a_key)),
        ("REFRESH_KEY_FILE", "/nowhere"),
        ("REFRESH_KEY_FILE", text(&not_a_key)),
        ("ACCESS_TOKEN_TTL_SECONDS", "0"),
        ("PASSWORD_MIN_LENGTH", "129"),
        ("ARGON2_MEMORY_KIB", "many"),
        ("LISTEN_ADDRESS", "nowhere"),
        ("LOG_FILTER", "a=b=c"),
    ] {
        let said = refusal(with(name, value));
        assert!(said.contains(name), "{said}");
    }
}

#[test]
fn lanes_without_memory_end_the_start() {
    let mut settings = with("ARGON2_MEMORY_KIB", "8");
    settings.push(("ARGON2_PARALLELISM", "2".to_owned()));

    assert!(refusal(settings).contains("ARGON2_PARALLELISM"));
}

#[test]
fn a_signing_key_nobody_can_check_ends_the_start() {
    let other = Signer::new(OTHER_KEY, scope()).expect("a key");
    let keys = file("other-jwks.json", other.public_keys());
    let said = refusal(with("TOKEN_KEYS_FILE", text(&keys)));

    assert!(said.contains("TOKEN_KEYS_FILE"), "{said}");
    assert!(said.contains("TOKEN_SIGNING_KEY_FILE"), "{said}");
}
