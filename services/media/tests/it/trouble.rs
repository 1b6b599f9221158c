//! Each store is away at the start, silent, lost, and back: what it means to uploads and downloads.

use std::time::{Duration, Instant};

use reqwest::Method;
use test_kit::{Proxy, assert_ended_sessions_are_refused, assert_problem, redis_url};

use crate::cascade::{deleted, publish, publisher};
use crate::cloudinary::Cloudinary;
use crate::stage::{Stage, Stores, form, png, wait_until};
use crate::storages::s3;

/// A database is given up after so long.
const PATIENCE: Duration = Duration::from_secs(5);
/// A place for files may be asked twice, within the time that a request has.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// What a slow store takes for each answer.
const SLOW: Duration = Duration::from_secs(2);
const SILENT: Duration = Duration::from_secs(3600);

type Trouble = fn(&Proxy);

const NONE_YET: Trouble = |_| {};
const SLOWNESS: Trouble = |way| way.delay(SLOW);
const SILENCE: Trouble = |way| way.delay(SILENT);

/// Makes a way good again. What was silent is cut first: its answers would come over the connections of then.
fn mend(way: &Proxy) {
    way.delay(Duration::ZERO);
    way.cut();
    way.reopen();
}

/// Nothing can be stored or handed out for as long as there is trouble on the way to what keeps files, and then all can.
async fn is_told_and_forgotten(stage: &Stage, way: &Proxy, trouble: Trouble, limit: Duration) {
    let id = stage.upload(&png(1000)).await;
    trouble(way);
    let started = Instant::now();
    let (fetched, sent) = futures::join!(stage.fetch(&id, &[]), stage.send(form(&png(1000))));
    assert!(started.elapsed() < limit, "{:?}", started.elapsed());
    assert_problem(fetched, 503, "unavailable").await;
    assert_problem(sent, 503, "unavailable").await;

    mend(way);
    wait_until("files are handed out again", async || {
        stage.fetch(&id, &[]).await.status() == 200
    })
    .await;
    stage.upload(&png(1000)).await;
}

#[tokio::test]
async fn a_database_that_is_silent_is_told_in_time_and_forgotten() {
    let way = Proxy::open(&test_kit::database_url()).await;
    let stage = Stage::on(Stores {
        mongodb: way.url.clone(),
        ..Stores::real()
    })
    .await;

    is_told_and_forgotten(&stage, &way, SILENCE, PATIENCE).await;
}

#[tokio::test]
async fn an_s3_that_was_away_or_is_silent_or_lost_is_told_and_forgotten() {
    let way = Proxy::closed(&test_kit::s3_url()).await;
    let stage = Stage::on(Stores {
        settings: s3(&way.url),
        ..Stores::real()
    })
    .await;
    assert_problem(stage.send(form(&png(1000))).await, 503, "unavailable").await;
    way.reopen();

    for trouble in [SILENCE, Proxy::cut] {
        is_told_and_forgotten(&stage, &way, trouble, REQUEST_TIMEOUT).await;
    }
}

#[tokio::test]
async fn a_cloudinary_that_was_away_or_is_lost_is_told_and_forgotten() {
    let cloudinary = Cloudinary::start("sha256").await;
    let way = Proxy::closed(&cloudinary.url).await;
    let mut settings = cloudinary.settings();
    for setting in &mut settings {
        *setting = setting.replace(&cloudinary.url, &way.url);
    }
    let stage = Stage::on(Stores {
        settings,
        ..Stores::real()
    })
    .await;
    assert_problem(stage.send(form(&png(1000))).await, 503, "unavailable").await;
    way.reopen();

    is_told_and_forgotten(&stage, &way, Proxy::cut, REQUEST_TIMEOUT).await;
    let id = stage.upload(&png(1000)).await;
    way.delay(SILENT);
    let started = Instant::now();
    assert_problem(stage.fetch(&id, &[]).await, 503, "unavailable").await;
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    mend(&way);
    assert_eq!(stage.fetch(&id, &[]).await.status(), 200);
}

#[tokio::test]
async fn a_broker_that_is_slow_or_lost_delays_what_follows_from_posts_and_nothing_else() {
    let way = Proxy::open(&test_kit::rabbitmq_url()).await;
    let stage = Stage::on(Stores {
        rabbitmq: way.url.clone(),
        ..Stores::real()
    })
    .await;
    let publisher = publisher(&stage);
    for trouble in [SLOWNESS, Proxy::cut] {
        trouble(&way);
        let started = Instant::now();
        let id = stage.upload(&png(1000)).await;
        assert_eq!(stage.fetch(&id, &[]).await.status(), 200);
        assert!(started.elapsed() < SLOW, "{:?}", started.elapsed());
        publish(&publisher, &deleted(&stage.user, &[&id])).await;

        mend(&way);
        wait_until("the file of the deleted post is gone", async || {
            stage.fetch(&id, &[]).await.status() == 404
        })
        .await;
    }
}

#[tokio::test]
async fn a_redis_that_is_away_slow_or_lost_takes_nothing_with_it() {
    let way = Proxy::closed(&redis_url()).await;
    let stage = Stage::with(&["--redis-url", &way.url]).await;
    for trouble in [NONE_YET, SLOWNESS, Proxy::cut] {
        trouble(&way);
        let started = Instant::now();
        let id = stage.upload(&png(1000)).await;
        assert_eq!(stage.fetch(&id, &[]).await.status(), 200);
        assert!(started.elapsed() < SLOW, "{:?}", started.elapsed());

        way.delay(Duration::ZERO);
        way.reopen();
        assert_ended_sessions_are_refused(&stage.service, Method::POST, "/v1/media").await;
    }
}
