//! One's own account: to look at, to give another password, to leave.

use std::time::Duration;

use bus::{Broker, BusConfig, Consumer, Message, Queue};
use events::UserDeleted;
use mongodb::bson::doc;
use reqwest::Method;
use test_kit::{Proxy, assert_problem};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::stage::{CHEAP, PASSWORD, Stage, Stores, json_of, refreshed, signed_in, text};

const NEW: &str = "another horse altogether";
const PATIENCE: Duration = Duration::from_secs(20);

/// The first account of this platform that is announced to be gone.
async fn deleted_account(stores: &Stores) -> String {
    let config = BusConfig {
        rabbitmq_url: test_kit::rabbitmq_url().into(),
        events_namespace: stores.events_namespace.clone(),
    };
    let broker = Broker::new(&config, "test").expect("an address");
    let (sender, mut heard) = mpsc::unbounded_channel::<Message>();
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let following = Consumer::new(&broker, Queue::PostUsers).run(
        move |message| {
            let sent = sender.send(message);
            async move {
                sent.expect("the test listens");
                Ok(())
            }
        },
        stop,
    );
    tokio::spawn(following);
    let message = tokio::time::timeout(PATIENCE, heard.recv()).await;
    let message = message.expect("an event in time").expect("an event");

    message
        .parse::<UserDeleted>()
        .expect("the contract")
        .data
        .user_id
}

/// Waits until nobody has an account any more.
pub async fn until_removed(stage: &Stage) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while count(stage).await > 0 {
        assert!(tokio::time::Instant::now() < deadline, "still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn count(stage: &Stage) -> u64 {
    let count = stage.users().count_documents(doc! {}).await;

    count.expect("the database answers")
}

#[tokio::test]
async fn an_account_is_shown_to_its_owner() {
    let stage = Stage::new().await;
    let ada = stage.ada().await;
    let account = json_of(stage.get("/v1/auth/me", &ada.access_token).await, 200).await;

    assert_eq!(account["userId"], ada.user_id.as_str());
    assert_eq!(account["userName"], "ada");
    assert_eq!(account["email"], "ada@example.org");
    let created = text(&account, "createdAt");
    assert_eq!(created.len(), "2026-11-24T08:15:30.123Z".len(), "{created}");
    assert_eq!(account.as_object().map(serde_json::Map::len), Some(4));
}

#[tokio::test]
async fn without_an_access_token_there_is_no_account() {
    let stage = Stage::new().await;
    let refresh_token = stage.ada().await.refresh_token;
    for (method, path) in [
        (Method::GET, "/v1/auth/me"),
        (Method::DELETE, "/v1/auth/me"),
        (Method::POST, "/v1/auth/password"),
        (Method::GET, "/v1/auth/sessions"),
        (Method::DELETE, "/v1/auth/sessions/673301c8e4b0a1b2c3d4e5f7"),
    ] {
        let url = stage.service.at(path);
        let bare = stage.service.client.request(method.clone(), url).send();
        assert_problem(bare.await.expect("an answer"), 401, "token_missing").await;
        let wrong = stage.send(method, path, &refresh_token, None).await;
        assert_problem(wrong, 401, "token_invalid").await;
    }
}

#[tokio::test]
async fn another_password_ends_every_other_session_everywhere() {
    let stage = Stage::new().await;
    let beside = stage.beside().await;
    let first = stage.ada().await;
    let second = signed_in(stage.login("ada@example.org", PASSWORD).await, 200).await;
    let changed = stage
        .change_password(&second.access_token, PASSWORD, NEW)
        .await;
    assert_eq!(json_of(changed, 200).await["success"], true);

    let refused = stage.refresh(&first.refresh_token).await;
    assert_problem(refused, 401, "refresh_token_invalid").await;
    stage.refuses(&first.access_token).await;
    beside.refuses(&first.access_token).await;
    let next = refreshed(beside.refresh(&second.refresh_token).await).await;
    assert_eq!(
        stage
            .get("/v1/auth/me", &second.access_token)
            .await
            .status(),
        200
    );
    let old = stage.login("ada@example.org", PASSWORD).await;
    assert_problem(old, 401, "wrong_credentials").await;

    // The session that was kept changes it again, and then another one does.
    let again = stage
        .change_password(&second.access_token, NEW, PASSWORD)
        .await;
    assert_eq!(again.status(), 200);
    let next = refreshed(stage.refresh(&next).await).await;
    let third = signed_in(stage.login("ada@example.org", PASSWORD).await, 200).await;
    let last = stage
        .change_password(&third.access_token, PASSWORD, NEW)
        .await;
    assert_eq!(last.status(), 200);
    assert_problem(stage.refresh(&next).await, 401, "refresh_token_invalid").await;
    refreshed(stage.refresh(&third.refresh_token).await).await;
}

#[tokio::test]
async fn a_wrong_password_changes_nothing() {
    let stage = Stage::new().await;
    let ada = stage.ada().await;
    let token = &ada.access_token;
    let change = stage.change_password(token, "not the password", NEW).await;
    assert_problem(change, 403, "wrong_password").await;
    let delete = stage.delete_account(token, "not the password").await;
    assert_problem(delete, 403, "wrong_password").await;

    assert_eq!(stage.login("ada@example.org", PASSWORD).await.status(), 200);
    refreshed(stage.refresh(&ada.refresh_token).await).await;
    // Whoever has stolen an access token has no more tries than anybody.
    let mut failures = 0;
    while failures < 7 {
        let wrong = stage.delete_account(token, "not the password").await;
        if wrong.status() == 403 {
            failures += 1;
        } else {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let right = stage.delete_account(token, PASSWORD).await;
    assert_problem(right, 429, "too_many_failures").await;
}

#[tokio::test]
async fn a_deleted_account_is_nobodys_and_everybody_is_told() {
    let stage = Stage::new().await;
    let beside = stage.beside().await;
    let ada = stage.ada().await;
    let other = signed_in(stage.login("ada@example.org", PASSWORD).await, 200).await;
    let gone = stage.delete_account(&ada.access_token, PASSWORD).await;
    assert_eq!(json_of(gone, 200).await["success"], true);

    for tokens in [&ada, &other] {
        let refused = stage.refresh(&tokens.refresh_token).await;
        assert_problem(refused, 401, "refresh_token_invalid").await;
        stage.refuses(&tokens.access_token).await;
        beside.refuses(&tokens.access_token).await;
    }
    let login = stage.login("ada@example.org", PASSWORD).await;
    assert_problem(login, 401, "wrong_credentials").await;
    assert_eq!(deleted_account(&stage.stores).await, ada.user_id);
    until_removed(&stage).await;
    // Name and address are free for somebody else.
    assert_ne!(stage.ada().await.user_id, ada.user_id);
}

#[tokio::test]
async fn an_account_goes_although_the_broker_is_away_and_the_process_ends() {
    let mut stores = Stores::new();
    let broker = Proxy::closed(&stores.rabbitmq).await;
    stores.rabbitmq = broker.url.clone();
    let stage = Stage::at(stores.clone(), &CHEAP).await;
    let ada = stage.ada().await;
    let gone = stage.delete_account(&ada.access_token, PASSWORD).await;
    assert_eq!(gone.status(), 200);
    stage.refuses(&ada.access_token).await;
    // Until everybody can be told, nothing is removed, and the name stays taken.
    assert_eq!(count(&stage).await, 1);
    let taken = stage.register("ada", "ada@example.org").await;
    assert_eq!(taken.status(), 409);
    stage.service.stop().await;

    stores.rabbitmq = Stores::new().rabbitmq;
    let after = Stage::at(stores, &CHEAP).await;
    assert_eq!(deleted_account(&after.stores).await, ada.user_id);
    until_removed(&after).await;
}
