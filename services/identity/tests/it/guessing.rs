//! What a login costs, and what becomes of somebody who guesses.

use std::time::{Duration, Instant};

use mongodb::bson::doc;
use reqwest::Response;
use serde_json::json;
use test_kit::assert_problem;

use crate::stage::{CHEAP, PASSWORD, Stage, signed_in};

/// What npm's argon2 0.45 makes of [`PASSWORD`] by default.
const OF_NODE: &str = "$argon2id$v=19$m=65536,p=4,t=3$0LFxQgi+Y7KkyoYXcunqMw$tAi1IkL3NRw/sdK18RTVkmXOV2J8pPsNoUr/Tcmm6pI";
const PATIENCE: Duration = Duration::from_secs(10);
/// Nobody is told sooner that a password is wrong.
const REFUSED_AFTER: Duration = Duration::from_millis(500);
/// Wrong passwords that cost no waiting.
const FREE: usize = 5;

async fn set_hash(stage: &Stage, hash: &str) {
    let change = doc! { "$set": { "passwordHash": hash } };
    let changed = stage.users().update_one(doc! {}, change).await;
    assert_eq!(changed.expect("the database answers").modified_count, 1);
}

async fn login_from(stage: &Stage, address: &str, email: &str, password: &str) -> Response {
    let request = stage
        .service
        .client
        .post(stage.service.at("/v1/auth/login"));
    let request = request.header("x-forwarded-for", address);
    let body = json!({ "email": email, "password": password });

    request.json(&body).send().await.expect("an answer")
}

#[tokio::test]
async fn argon2_runs_once_whatever_is_wrong() {
    let stage = Stage::new().await;
    let ada = stage.ada().await;
    let costs = async |email: &str, password: &str| {
        let before = stage.hashes("verify").await;
        let refused = stage.login(email, password).await;
        assert_problem(refused, 401, "wrong_credentials").await;
        stage.hashes("verify").await - before
    };
    assert_eq!(costs("nobody@example.org", PASSWORD).await, 1);
    assert_eq!(costs("", PASSWORD).await, 1);
    assert_eq!(costs("ada@example.org", "not the password").await, 1);
    for broken in ["", "plain text", "$argon2id$v=19$m=64,t=1,p=1"] {
        set_hash(&stage, broken).await;
        assert_eq!(costs("ada@example.org", PASSWORD).await, 1, "{broken}");
    }
    let deleted = doc! { "$set": { "deletedAt": mongodb::bson::DateTime::now() } };
    let changed = stage.users().update_one(doc! {}, deleted).await;
    assert_eq!(changed.expect("the database answers").modified_count, 1);
    assert_eq!(
        stage.get("/v1/auth/me", &ada.access_token).await.status(),
        401
    );
    let fresh = stage.login("ada@example.org", PASSWORD).await;
    assert_eq!(fresh.status(), 401);
    assert_eq!(stage.hashes("new").await, 1);
    assert_eq!(stage.hashes("rewrite").await, 0);
    assert_eq!(stage.hashes("verify").await, 7);
}

#[tokio::test]
async fn a_wrong_password_takes_its_time_whatever_the_hash_costs() {
    let stage = Stage::new().await;
    let ada = stage.ada().await;
    let started = Instant::now();
    let right = stage.login("ada@example.org", PASSWORD).await;
    assert_eq!(right.status(), 200);
    let quick = started.elapsed();

    for (email, hash) in [
        ("nobody@example.org", None),
        ("ada@example.org", None),
        ("ada@example.org", Some(OF_NODE)),
    ] {
        if let Some(hash) = hash {
            set_hash(&stage, hash).await;
        }
        let started = Instant::now();
        let wrong = stage.login(email, "not the password").await;
        assert_problem(wrong, 401, "wrong_credentials").await;
        assert!(started.elapsed() >= REFUSED_AFTER, "{email}, {hash:?}");
    }
    let started = Instant::now();
    let wrong = stage.delete_account(&ada.access_token, "not the password");
    assert_problem(wrong.await, 403, "wrong_password").await;
    assert!(started.elapsed() >= REFUSED_AFTER);
    assert!(quick < REFUSED_AFTER, "{quick:?}");
}

#[tokio::test]
async fn a_hash_of_node_is_made_anew_after_the_answer() {
    let stage = Stage::new().await;
    let ada = stage.ada().await;
    set_hash(&stage, OF_NODE).await;
    let wrong = stage.login("ada@example.org", "not the password").await;
    assert_problem(wrong, 401, "wrong_credentials").await;
    let again = signed_in(stage.login("ada@example.org", PASSWORD).await, 200).await;
    assert_eq!(again.user_id, ada.user_id);

    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let user = stage.users().find_one(doc! {}).await;
        let user = user.expect("the database answers").expect("an account");
        let hash = user.get_str("passwordHash").expect("a hash");
        if hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$") {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{hash}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(stage.hashes("rewrite").await, 1);
    assert_eq!(stage.login("ada@example.org", PASSWORD).await.status(), 200);
    // It is the same password, so the sessions go on.
    assert_eq!(stage.refresh(&again.refresh_token).await.status(), 200);
}

#[tokio::test]
async fn whoever_guesses_has_to_wait_and_nobody_else() {
    let stage = Stage::new().await;
    let ada = format!("{}@example.org", test_kit::object_id());
    signed_in(stage.register("ada", &ada).await, 201).await;
    let guess = |address| login_from(&stage, address, &ada, "not the password");
    for _ in 0..FREE {
        assert_problem(guess("192.0.2.7").await, 401, "wrong_credentials").await;
    }
    // Each further failure doubles the time; here it is long enough for what follows.
    let mut failures = FREE;
    loop {
        let answer = guess("192.0.2.7").await;
        if answer.status() == 401 {
            failures += 1;
            continue;
        }
        let wait = answer.headers()["retry-after"].to_str().expect("text");
        let wait: u64 = wait.parse().expect("seconds");
        assert_problem(answer, 429, "too_many_failures").await;
        if wait >= 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!((FREE + 2..FREE + 5).contains(&failures), "{failures}");

    // Not even the right password is tried, in whatever spelling the account is named.
    let before = stage.hashes("verify").await;
    let right = login_from(&stage, "192.0.2.7", &ada.to_uppercase(), PASSWORD).await;
    assert_problem(right, 429, "too_many_failures").await;
    assert_eq!(stage.hashes("verify").await, before);
    // Another account is another matter, and its owner is somewhere else.
    let eva = format!("{}@example.org", test_kit::object_id());
    let other = login_from(&stage, "192.0.2.7", &eva, PASSWORD).await;
    assert_problem(other, 401, "wrong_credentials").await;
    let owner = login_from(&stage, "198.51.100.1", &ada, PASSWORD).await;
    assert_eq!(owner.status(), 200);
}

#[tokio::test]
async fn whoever_has_to_wait_makes_one_try_at_a_time() {
    let stage = Stage::new().await;
    let other = stage.beside().await;
    let nobody = format!("{}@example.org", test_kit::object_id());
    for _ in 0..FREE {
        let wrong = login_from(&stage, "192.0.2.7", &nobody, PASSWORD).await;
        assert_eq!(wrong.status(), 401);
    }
    // As many at once as possible, at every process, until the time to wait is over.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let tries = (0..10).map(|n| {
            let stage = if n % 2 == 0 { &stage } else { &other };
            login_from(stage, "192.0.2.7", &nobody, PASSWORD)
        });
        let answers = futures::future::join_all(tries).await;
        let tried = answers.iter().filter(|answer| answer.status() == 401);
        match tried.count() {
            0 => assert!(Instant::now() < deadline, "never allowed again"),
            tried => return assert_eq!(tried, 1),
        }
    }
}

#[tokio::test]
async fn addresses_of_one_network_are_one_client_to_all_processes() {
    let stage = Stage::new().await;
    let other = stage.beside().await;
    let nobody = format!("{}@example.org", test_kit::object_id());
    let mut tried = 0;
    for n in 0..20 {
        let stage = if n % 2 == 0 { &stage } else { &other };
        let address = format!("2001:db8:1:2:{n:x}::{n:x}");
        let response = login_from(stage, &address, &nobody, PASSWORD).await;
        tried += usize::from(response.status() == 401);
    }

    // On a slow machine the first delays are over before the last try.
    assert!((FREE..FREE + 4).contains(&tried), "{tried}");
}

#[tokio::test]
async fn a_success_begins_the_count_anew() {
    let stage = Stage::new().await;
    stage.ada().await;
    for _ in 0..3 {
        for _ in 0..FREE - 1 {
            let wrong = stage.login("ada@example.org", "not the password").await;
            assert_eq!(wrong.status(), 401);
        }
        assert_eq!(stage.login("ada@example.org", PASSWORD).await.status(), 200);
    }
}

#[tokio::test]
async fn common_and_short_passwords_are_refused() {
    let settings = [&CHEAP[..], &["--password-min-length", "12"]].concat();
    let stage = Stage::with(&settings).await;
    for bad in ["123456789123", "1Q2W3E4R5T6Y", "eleven char"] {
        let account = json!({ "userName": "ada", "email": "ada@example.org", "password": bad });
        let refused = stage.post("/v1/auth/register", &account).await;
        let problem = assert_problem(refused, 422, "invalid_password").await;
        assert_eq!(problem["field"], "password");
    }
    let ada = stage.ada().await;
    let refused = stage
        .change_password(&ada.access_token, PASSWORD, "123456789123")
        .await;
    let problem = assert_problem(refused, 422, "invalid_password").await;
    assert_eq!(problem["field"], "newPassword");
}
