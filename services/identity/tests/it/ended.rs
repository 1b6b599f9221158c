//! What has ended stays ended, whatever becomes of Redis and of the settings.

use std::time::{Duration, Instant};

use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;
use redis_kit::Redis;
use redis_kit::redis::cmd;
use test_kit::{Proxy, forget_all, own_redis_url};

use crate::stage::{CHEAP, Stage, Stores};

const ENDED_WITHIN: Duration = Duration::from_secs(5);
/// More than are told at once.
const MANY: usize = 1_200;

/// How many ended sessions Redis knows.
async fn known(redis: &Redis) -> usize {
    let known = redis.query(cmd("ZCARD").arg("sessions:ended")).await;

    known.expect("Redis answers")
}

/// The only session there is has ended, and so have many others.
async fn end_many(stage: &Stage) {
    let one = stage.session().await;
    let ended = (0..MANY).map(|_| {
        let mut session = one.clone();
        session.insert("_id", ObjectId::new());
        session.insert("revokedAt", DateTime::now());
        session
    });
    let inserted = stage.sessions().insert_many(ended).await;

    inserted.expect("the database answers");
}

#[tokio::test]
async fn a_redis_that_forgot_is_told_again_what_ended() {
    let url = own_redis_url().await;
    let redis = test_kit::redis(&url);
    let stores = Stores {
        redis: url.clone(),
        ..Stores::new()
    };
    let stage = Stage::at(stores, &CHEAP).await;
    let ada = stage.ada().await;
    assert_eq!(stage.log_out(&ada.refresh_token).await.status(), 200);
    stage.refuses(&ada.access_token).await;
    end_many(&stage).await;

    forget_all(&url).await;
    let forgotten = Instant::now();
    while known(&redis).await < MANY + 1 {
        assert!(forgotten.elapsed() < ENDED_WITHIN, "not told again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_shorter_life_of_tokens_brings_no_ended_one_back() {
    let url = own_redis_url().await;
    let stores = Stores {
        redis: url.clone(),
        ..Stores::new()
    };
    let day = [&CHEAP[..], &["--access-token-ttl-seconds", "86400"]].concat();
    let stage = Stage::at(stores.clone(), &day).await;
    let ada = stage.ada().await;
    stage.service.stop().await;

    let minute = [&CHEAP[..], &["--access-token-ttl-seconds", "60"]].concat();
    let stage = Stage::at(stores, &minute).await;
    assert_eq!(stage.log_out(&ada.refresh_token).await.status(), 200);
    stage.refuses(&ada.access_token).await;
    // Nearly a day goes by, and somebody else logs out, which removes what is over.
    let session = stage.session().await.get_object_id("_id").expect("an id");
    let mut told = cmd("ZINCRBY");
    told.arg("sessions:ended")
        .arg(-86_000_000)
        .arg(session.to_hex());
    let told = test_kit::redis(&url).query::<()>(&told).await;
    told.expect("Redis answers");
    let eva = stage.register("eva", "eva@example.org").await;
    let eva = crate::stage::signed_in(eva, 201).await;
    assert_eq!(stage.log_out(&eva.refresh_token).await.status(), 200);
    stage.refuses(&eva.access_token).await;

    stage.beside().await.refuses(&ada.access_token).await;
}

#[tokio::test]
async fn a_redis_that_is_slower_than_requests_wait_learns_what_ended() {
    let stores = Stores::new();
    let way = Proxy::open(&stores.redis).await;
    let stage = Stage::at(
        Stores {
            redis: way.url.clone(),
            ..stores
        },
        &CHEAP,
    )
    .await;
    let ada = stage.ada().await;
    way.delay(Duration::from_millis(200));
    assert_eq!(stage.log_out(&ada.refresh_token).await.status(), 200);

    stage.refuses(&ada.access_token).await;
}
