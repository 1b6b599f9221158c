//! Stores that are away, lost, slow, and back.

use std::time::{Duration, Instant};

use serde_json::json;
use test_kit::{Proxy, assert_problem};

use crate::me::until_removed;
use crate::stage::{CHEAP, PASSWORD, SignedIn, Stage, Stores, refreshed, signed_in, start};

const PATIENCE: Duration = Duration::from_secs(5);
/// What a slow store takes for each answer.
const SLOW: Duration = Duration::from_secs(2);

#[tokio::test]
async fn without_its_database_the_service_waits_says_so_and_comes_back() {
    let proxy = Proxy::closed(&direct(&Stores::new().mongodb)).await;
    let stores = Stores {
        mongodb: proxy.url.clone(),
        ..Stores::new()
    };
    let service = start(&stores, &[]).await;
    let readiness = service.client.get(format!("{}/readyz", service.admin_url));
    let readiness = readiness.send().await.expect("an answer");
    assert_eq!(readiness.status(), 503);
    let reasons = readiness.text().await.expect("text");
    assert!(reasons.contains("mongodb"), "{reasons}");

    let account = json!({ "userName": "ada", "email": "ada@example.org", "password": PASSWORD });
    let token = json!({ "refreshToken": "AQEBAQEBAQEBAQEBAAAAAAAAAAMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" });
    for (path, body) in [
        ("/v1/auth/register", &account),
        ("/v1/auth/login", &account),
        ("/v1/auth/refresh-token", &token),
        ("/v1/auth/logout", &token),
    ] {
        let started = Instant::now();
        let response = service
            .client
            .post(service.at(path))
            .json(body)
            .send()
            .await;
        assert_problem(response.expect("an answer"), 503, "unavailable").await;
        assert!(
            started.elapsed() < PATIENCE,
            "{path}: {:?}",
            started.elapsed()
        );
    }

    proxy.reopen();
    let service = service.ready().await;
    let request = service
        .client
        .post(service.at("/v1/auth/register"))
        .json(&account);
    assert_eq!(request.send().await.expect("an answer").status(), 201);
}

/// Through the one address given: the replica set's own would lead around the proxy.
fn direct(url: &str) -> String {
    url.replace("replicaSet=rs0", "directConnection=true")
}

/// A service that reaches the store `address` points at through a proxy.
async fn with_proxy(address: fn(&mut Stores) -> &mut String) -> (Proxy, Stage) {
    let mut stores = Stores::new();
    let address = address(&mut stores);
    let proxy = Proxy::open(&direct(address)).await;
    address.clone_from(&proxy.url);

    (proxy, Stage::at(stores, &CHEAP).await)
}

/// The database is back, and so is the service, with the session it had.
async fn serves_again(stage: &Stage, person: &SignedIn) {
    let deadline = Instant::now() + PATIENCE;
    while stage
        .get("/v1/auth/me", &person.access_token)
        .await
        .status()
        != 200
    {
        assert!(Instant::now() < deadline, "not back within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    refreshed(stage.refresh(&person.refresh_token).await).await;
}

#[tokio::test]
async fn a_database_that_is_lost_is_a_503_within_5_seconds_and_comes_back() {
    let (proxy, stage) = with_proxy(|stores| &mut stores.mongodb).await;
    let ada = stage.ada().await;
    proxy.cut();

    let started = Instant::now();
    let answers = futures::join!(
        stage.login("ada@example.org", PASSWORD),
        stage.register("grace", "grace@example.org"),
        stage.refresh(&ada.refresh_token),
        stage.log_out(&ada.refresh_token),
        stage.get("/v1/auth/me", &ada.access_token),
        stage.get("/v1/auth/sessions", &ada.access_token),
        stage.change_password(&ada.access_token, PASSWORD, "another long enough"),
        stage.delete_account(&ada.access_token, PASSWORD),
    );
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    let answers = <[_; 8]>::from(answers);
    for answer in answers {
        assert_problem(answer, 503, "unavailable").await;
    }

    proxy.reopen();
    serves_again(&stage, &ada).await;
}

#[tokio::test]
async fn a_database_that_is_silent_is_a_503_within_5_seconds_and_comes_back() {
    let (proxy, stage) = with_proxy(|stores| &mut stores.mongodb).await;
    let ada = stage.ada().await;
    proxy.delay(Duration::from_secs(3600));

    let started = Instant::now();
    let answers = futures::join!(
        stage.login("ada@example.org", PASSWORD),
        stage.register("grace", "grace@example.org"),
        stage.refresh(&ada.refresh_token),
        stage.get("/v1/auth/me", &ada.access_token),
        stage.delete_account(&ada.access_token, PASSWORD),
    );
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    for answer in <[_; 5]>::from(answers) {
        assert_problem(answer, 503, "unavailable").await;
    }

    // What was never answered is still on its way over the connections of then.
    proxy.delay(Duration::ZERO);
    proxy.cut();
    proxy.reopen();
    serves_again(&stage, &ada).await;
}

#[tokio::test]
async fn redis_that_goes_away_under_load_is_not_noticed() {
    let (proxy, stage) = with_proxy(|stores| &mut stores.redis).await;
    let started = Instant::now();
    let is_over = || started.elapsed() > Duration::from_secs(4);
    let people = (0..8).map(async |person| {
        let email = format!("person{person}@example.org");
        let name = format!("person{person}");
        let mut token = signed_in(stage.register(&name, &email).await, 201).await;
        let mut rounds = 0;
        while !is_over() {
            let next = refreshed(stage.refresh(&token.refresh_token).await).await;
            assert_eq!(
                stage
                    .get("/v1/auth/sessions", &token.access_token)
                    .await
                    .status(),
                200
            );
            assert_eq!(stage.log_out(&next).await.status(), 200);
            token = signed_in(stage.login(&email, PASSWORD).await, 200).await;
            rounds += 1;
        }
        rounds
    });
    let trouble = async {
        while !is_over() {
            tokio::time::sleep(Duration::from_millis(400)).await;
            proxy.cut();
            tokio::time::sleep(Duration::from_millis(400)).await;
            proxy.reopen();
        }
    };

    let (rounds, ()) = futures::join!(futures::future::join_all(people), trouble);
    assert!(rounds.iter().all(|rounds| *rounds > 0), "{rounds:?}");
}

#[tokio::test]
async fn a_redis_that_is_slow_is_not_waited_for() {
    let (proxy, stage) = with_proxy(|stores| &mut stores.redis).await;
    stage.ada().await;
    proxy.delay(SLOW);

    let started = Instant::now();
    for _ in 0..10 {
        let login = signed_in(stage.login("ada@example.org", PASSWORD).await, 200).await;
        assert_eq!(stage.log_out(&login.refresh_token).await.status(), 200);
    }
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_broker_that_is_slow_or_lost_delays_the_end_of_an_account_and_nothing_else() {
    let (broker, stage) = with_proxy(|stores| &mut stores.rabbitmq).await;
    let slow: fn(&Proxy) = |broker| broker.delay(SLOW);
    for (name, trouble) in [("ada", slow), ("eva", Proxy::cut)] {
        let email = format!("{name}@example.org");
        let person = signed_in(stage.register(name, &email).await, 201).await;
        trouble(&broker);
        let started = Instant::now();
        let gone = stage.delete_account(&person.access_token, PASSWORD).await;
        assert_eq!(gone.status(), 200);
        assert!(started.elapsed() < SLOW, "{name}");
        stage.refuses(&person.access_token).await;

        broker.delay(Duration::ZERO);
        broker.reopen();
        until_removed(&stage).await;
    }
}

#[tokio::test]
async fn without_redis_nothing_fails_and_what_ended_is_told_later() {
    let mut stores = Stores::new();
    let proxy = Proxy::open(&stores.redis).await;
    stores.redis = proxy.url.clone();
    let cut_off = Stage::at(stores.clone(), &CHEAP).await;
    stores.redis = Stores::new().redis;
    let other = Stage::at(stores, &CHEAP).await;
    let ada = cut_off.ada().await;
    proxy.cut();

    for _ in 0..3 {
        let wrong = cut_off.login("ada@example.org", "not the password").await;
        assert_problem(wrong, 401, "wrong_credentials").await;
    }
    let login = cut_off.login("ada@example.org", PASSWORD).await;
    assert_eq!(login.status(), 200);
    let next = refreshed(cut_off.refresh(&ada.refresh_token).await).await;
    assert_eq!(cut_off.log_out(&next).await.status(), 200);
    // The other process reaches Redis, and tells it what this one could not.
    other.refuses(&ada.access_token).await;

    proxy.reopen();
    cut_off.refuses(&ada.access_token).await;
}

#[tokio::test]
async fn a_redis_that_was_away_for_all_is_told_what_ended_meanwhile() {
    let mut stores = Stores::new();
    let proxy = Proxy::closed(&stores.redis).await;
    stores.redis = proxy.url.clone();
    let stage = Stage::at(stores, &CHEAP).await;
    let ada = stage.ada().await;
    assert_eq!(stage.log_out(&ada.refresh_token).await.status(), 200);
    assert_eq!(
        stage.get("/v1/auth/me", &ada.access_token).await.status(),
        200
    );

    proxy.reopen();
    stage.refuses(&ada.access_token).await;
}
