//! Registration and login.

use futures::future::join_all;
use mongodb::bson::doc;
use reqwest::Response;
use serde_json::json;
use test_kit::{KEYS_FILE, assert_problem, key_file, scope};
use token::Verifier;

use crate::stage::{PASSWORD, Stage, signed_in};

fn subject(token: &str) -> token::Subject {
    let keys = std::fs::read_to_string(key_file(KEYS_FILE)).expect("the key file");
    let verifier = Verifier::new(&keys, &scope()).expect("a key set");

    verifier.verify(token).expect("a valid token").subject
}

#[tokio::test]
async fn who_registers_is_signed_in() {
    let stage = Stage::new().await;
    let response = stage.register(" Ada L ", "Ada@Example.org").await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let ada = signed_in(response, 201).await;

    let subject = subject(&ada.access_token);
    assert_eq!(subject.user_id, ada.user_id);
    assert_eq!(subject.user_name, "Ada L");
    assert_eq!(ada.user_id.len(), 24);
    assert_eq!(stage.refresh(&ada.refresh_token).await.status(), 200);
}

#[tokio::test]
async fn a_login_begins_another_session_of_the_same_person() {
    let stage = Stage::new().await;
    let first = stage.ada().await;
    let second = signed_in(stage.login("ADA@example.ORG ", PASSWORD).await, 200).await;

    assert_eq!(second.user_id, first.user_id);
    let sessions = [&first, &second].map(|signed_in| subject(&signed_in.access_token).session_id);
    assert_ne!(sessions[0], sessions[1]);
    assert_ne!(second.refresh_token, first.refresh_token);
    assert_eq!(stage.log_out(&first.refresh_token).await.status(), 200);
    assert_eq!(stage.refresh(&second.refresh_token).await.status(), 200);
}

#[tokio::test]
async fn a_name_and_an_address_are_taken_in_every_spelling() {
    let stage = Stage::new().await;
    stage.ada().await;

    for name in ["ada", "ADA", " Ada ", "ＡＤＡ"] {
        let response = stage.register(name, "other@example.org").await;
        assert_problem(response, 409, "name_taken").await;
    }
    for email in ["ada@example.org", "ADA@EXAMPLE.ORG", "ａda@example.org"] {
        let response = stage.register("other", email).await;
        assert_problem(response, 409, "email_taken").await;
    }
    let others = stage
        .users()
        .count_documents(doc! { "userName": "other" })
        .await;
    assert_eq!(others.expect("the database answers"), 0);
}

#[tokio::test]
async fn of_many_who_want_one_name_at_once_one_gets_it() {
    let stage = Stage::new().await;
    let same_name = join_all((0..8).map(|n| {
        let email = format!("ada{n}@example.org");
        let stage = &stage;
        async move { stage.register("ada", &email).await }
    }));
    one_of(same_name.await, "name_taken").await;

    let same_email = join_all((0..8).map(|n| {
        let name = format!("grace{n}");
        let stage = &stage;
        async move { stage.register(&name, "grace@example.org").await }
    }));
    one_of(same_email.await, "email_taken").await;
}

async fn one_of(responses: Vec<Response>, code: &str) {
    let (made, refused): (Vec<_>, Vec<_>) = responses
        .into_iter()
        .partition(|response| response.status() == 201);
    assert_eq!(made.len(), 1);
    for response in refused {
        assert_problem(response, 409, code).await;
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_one_answer() {
    let stage = Stage::new().await;
    stage.ada().await;
    let without_id = |mut problem: serde_json::Value| {
        problem["requestId"].take();
        problem
    };
    let wrong = stage.login("ada@example.org", "not the password").await;
    let wrong = assert_problem(wrong, 401, "wrong_credentials").await;
    let expected = without_id(wrong);

    for email in ["nobody@example.org", "", "no address", &"x".repeat(10_000)] {
        let unknown = stage.login(email, PASSWORD).await;
        let unknown = assert_problem(unknown, 401, "wrong_credentials").await;
        assert_eq!(without_id(unknown), expected, "{email:.20}");
    }
}

#[tokio::test]
async fn every_character_of_the_longest_password_counts() {
    let stage = Stage::new().await;
    let longest = "é".repeat(128);
    let account = json!({ "userName": "ada", "email": "ada@example.org", "password": longest });
    signed_in(stage.post("/v1/auth/register", &account).await, 201).await;

    let cut = "é".repeat(127);
    assert_eq!(stage.login("ada@example.org", &cut).await.status(), 401);
    assert_eq!(stage.login("ada@example.org", &longest).await.status(), 200);
}

#[tokio::test]
async fn the_database_has_neither_passwords_nor_tokens() {
    let stage = Stage::new().await;
    let ada = stage.ada().await;
    let user = stage.users().find_one(doc! {}).await;
    let user = user.expect("the database answers").expect("an account");
    let hash = user.get_str("passwordHash").expect("a hash");
    assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");

    let kept = format!("{user:?}{:?}", stage.session().await);
    let proof = &ada.refresh_token[30..];
    for secret in [PASSWORD, ada.access_token.as_str(), proof] {
        assert!(!kept.contains(secret), "{kept}");
    }
}
