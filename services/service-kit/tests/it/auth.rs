//! A token that was good once is not good for ever.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use service_kit::{Authenticator, Ended, TokenConfig};
use test_kit::{KEYS_FILE, Token, key_file, object_id, scope};
use token::Signer;
use tokio_util::sync::CancellationToken;

const ANOTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIFJiVV1R2rtS5YURpnMflEGbExD+K+ZZJwFwl0tC/bep
-----END PRIVATE KEY-----
";
/// The key file is looked at every five seconds.
const SOON: Duration = Duration::from_secs(15);

/// A key file of the test's own, with the keys every test uses.
fn own_key_file() -> PathBuf {
    let path = std::env::temp_dir().join(format!("socialplatform-keys-{}.json", object_id()));
    std::fs::copy(key_file(KEYS_FILE), &path).expect("the temporary folder can be written");

    path
}

fn authenticator(path: PathBuf, ended: Ended) -> Authenticator {
    let scope = scope();
    let config = TokenConfig {
        token_keys_file: path,
        token_issuer: scope.issuer,
        token_audience: scope.audience,
    };

    Authenticator::new(&config, ended).expect("the key file is good")
}

fn with_token(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a header");

    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

#[tokio::test]
async fn a_remembered_token_is_refused_once_its_key_is_gone() {
    let path = own_key_file();
    let authenticator = authenticator(path.clone(), Ended::default());
    let stop = CancellationToken::new();
    tokio::spawn(authenticator.clone().follow_keys(stop.clone()));
    let headers = with_token(&Token::Valid.of(&object_id()));
    authenticator.current_user(&headers).expect("a good token");

    // What cannot be used changes nothing.
    std::fs::write(&path, "{").expect("the file can be written");
    authenticator.current_user(&headers).expect("a good token");

    let other = Signer::new(ANOTHER_KEY, scope()).expect("the key is valid");
    std::fs::write(&path, other.public_keys()).expect("the file can be written");
    let deadline = Instant::now() + SOON;
    while let Ok(user) = authenticator.current_user(&headers) {
        assert!(Instant::now() < deadline, "{user:?} is still known");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    std::fs::remove_file(path).expect("the file is the test's own");
}

#[tokio::test]
async fn a_remembered_token_is_refused_once_its_session_has_ended() {
    let ended = Ended::default();
    let authenticator = authenticator(key_file(KEYS_FILE), ended.clone());
    let headers = with_token(&Token::Valid.of(&object_id()));
    let user = authenticator.current_user(&headers).expect("a good token");

    ended.end(&user.session_id, i64::MAX);
    let refused = authenticator.current_user(&headers).expect_err("refused");
    assert_eq!(
        (refused.status().as_u16(), refused.code()),
        (401, "session_ended")
    );
}
