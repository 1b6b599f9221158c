//! For how long what made a token good is believed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use redis_kit::sessions;
use test_kit::{KEYS_FILE, Running, SIGNING_KEY_FILE, assert_problem, key_file, object_id, scope};
use token::{Signer, Subject};

use crate::stage::{Service, gateway};

/// How soon a process must know.
const SOON: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(100);

/// A token of `session`, valid for so long.
fn token(session: &str, ttl_seconds: u32) -> String {
    let key = std::fs::read_to_string(key_file(SIGNING_KEY_FILE)).expect("the test's key");
    let signer = Signer::new(&key, scope()).expect("a key");
    let subject = Subject {
        user_id: object_id(),
        user_name: "someone".to_owned(),
        session_id: session.to_owned(),
    };
    let now = UNIX_EPOCH.elapsed().expect("past 1970").as_secs();
    let now = i64::try_from(now).expect("seconds fit");

    signer.sign(&subject, now, ttl_seconds).expect("signed")
}

/// A token that was accepted, and so is remembered, is refused `soon` with `code`.
async fn is_refused_soon(gateway: &Running, token: &str, code: &str) {
    let deadline = Instant::now() + SOON;
    loop {
        let request = gateway.client.get(gateway.at("/v1/posts"));
        let answer = request.bearer_auth(token).send().await.expect("an answer");
        if answer.status() == 401 {
            assert_problem(answer, 401, code).await;
            return;
        }
        assert_eq!(answer.status(), 200);
        assert!(Instant::now() < deadline, "not refused within {SOON:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn is_accepted(gateway: &Running, token: &str) {
    let request = gateway.client.get(gateway.at("/v1/posts"));
    let answer = request.bearer_auth(token).send().await;

    assert_eq!(answer.expect("an answer").status(), 200);
}

fn own_key_file() -> PathBuf {
    let path = key_file(&format!("{}.json", object_id()));
    std::fs::copy(key_file(KEYS_FILE), &path).expect("a copy");

    path
}

fn write_keys_of_another(path: &Path) {
    let mut keys = std::fs::read_to_string(path).expect("keys");
    let kid = keys.find("\"kid\":\"").expect("a kid") + "\"kid\":\"".len();
    keys.replace_range(kid..=kid, if &keys[kid..=kid] == "A" { "B" } else { "A" });
    std::fs::write(path, keys).expect("written");
}

#[tokio::test]
async fn a_token_is_refused_after_it_expired_however_often_it_was_accepted() {
    let service = Service::saying("ok").await;
    let gateway = gateway([&service.url; 4], &[]).await;
    let token = token(&object_id(), 1);
    is_accepted(&gateway, &token).await;

    is_refused_soon(&gateway, &token, "token_expired").await;
}

#[tokio::test]
async fn a_token_is_refused_after_its_key_was_taken_away() {
    let service = Service::saying("ok").await;
    let keys = own_key_file();
    let settings = ["--token-keys-file", keys.to_str().expect("UTF-8")];
    let gateway = gateway([&service.url; 4], &settings).await;
    let token = token(&object_id(), 600);
    is_accepted(&gateway, &token).await;
    write_keys_of_another(&keys);

    is_refused_soon(&gateway, &token, "token_invalid").await;
}

#[tokio::test]
async fn a_token_is_refused_after_its_session_ended() {
    let service = Service::saying("ok").await;
    let url = test_kit::redis_url();
    let gateway = gateway([&service.url; 4], &["--redis-url", &url]).await;
    let session = object_id();
    let token = token(&session, 600);
    is_accepted(&gateway, &token).await;
    let told = sessions::end(&test_kit::redis(&url), &[session]).await;
    told.expect("Redis answers");

    is_refused_soon(&gateway, &token, "session_ended").await;
}
