//! The process, from its settings to its refusal to start.

use std::process::Command;

use test_kit::{KEYS_FILE, key_file, scope};

fn settings() -> Vec<(&'static str, String)> {
    let scope = scope();

    vec![
        ("TOKEN_KEYS_FILE", key_file(KEYS_FILE).display().to_string()),
        ("TOKEN_ISSUER", scope.issuer),
        ("TOKEN_AUDIENCE", scope.audience),
        ("REDIS_URL", "redis://127.0.0.1:1".to_owned()),
        ("IDENTITY_URL", "http://identity:8080".to_owned()),
        ("POST_URL", "http://post:8080".to_owned()),
        ("MEDIA_URL", "http://media:8080".to_owned()),
        ("SEARCH_URL", "http://search:8080".to_owned()),
        // Bound by nobody, so that a start that should fail and does not fails here.
        ("LISTEN_ADDRESS", "192.0.2.1:1".to_owned()),
    ]
}

fn refusal(settings: Vec<(&'static str, String)>) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_gateway"))
        .env_clear()
        .envs(settings)
        .output()
        .expect("the program was built");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!output.status.success(), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("gateway: "), "{said}");

    said
}

#[test]
fn a_missing_setting_ends_the_start_with_its_name() {
    for missing in [
        "TOKEN_KEYS_FILE",
        "TOKEN_ISSUER",
        "TOKEN_AUDIENCE",
        "REDIS_URL",
        "IDENTITY_URL",
        "POST_URL",
        "MEDIA_URL",
        "SEARCH_URL",
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
    for (name, value) in [
        ("POST_URL", "post:8080"),
        ("POST_URL", "https://post:8080"),
        ("POST_URL", "http://post:8080/v1"),
        ("MAX_UPLOAD_BYTES", "0"),
        ("TRUSTED_HOPS", "11"),
        ("RATE_LIMIT_PER_MINUTE", "0"),
        ("AUTH_RATE_LIMIT_BURST", "0"),
        ("CORS_ALLOWED_ORIGINS", "social.example"),
        ("REQUEST_TIMEOUT_SECONDS", "soon"),
        ("LISTEN_ADDRESS", "192.0.2.1:1"),
    ] {
        let mut settings = settings();
        settings.retain(|(known, _)| *known != name);
        settings.push((name, value.to_owned()));
        let said = refusal(settings);
        assert!(said.contains(name), "{said}");
    }
}

#[test]
fn a_key_file_that_cannot_be_used_ends_the_start() {
    for path in ["/nowhere", "/dev/null"] {
        let mut settings = settings();
        settings.retain(|(name, _)| !["TOKEN_KEYS_FILE", "LISTEN_ADDRESS"].contains(name));
        settings.push(("TOKEN_KEYS_FILE", path.to_owned()));
        settings.push(("LISTEN_ADDRESS", "127.0.0.1:0".to_owned()));
        settings.push(("ADMIN_ADDRESS", "127.0.0.1:0".to_owned()));
        assert!(refusal(settings).contains("TOKEN_KEYS_FILE"));
    }
}
