//! Stores that are away.

use std::time::{Duration, Instant};

use test_kit::{Proxy, Running, Token, assert_problem, object_id};

use futures::StreamExt;
use tokio::io::AsyncWriteExt;

use crate::stage::{Stage, Stores, answer, form, png, wait_until};

/// Nothing listens there.
const NOWHERE: &str = "127.0.0.1:1";
const PATIENCE: Duration = Duration::from_secs(5);

async fn unready(service: &Running) -> String {
    let readyz = format!("{}/readyz", service.admin_url);
    let response = service.client.get(readyz).send().await.expect("an answer");
    assert_eq!(response.status(), 503);

    response.text().await.expect("text")
}

#[tokio::test]
async fn without_mongodb_requests_are_told_to_come_again_soon() {
    let service = Stores {
        mongodb: format!("mongodb://{NOWHERE}/media"),
        ..Stores::real()
    }
    .start()
    .await;
    assert!(unready(&service).await.contains("mongodb"));

    let started = Instant::now();
    let path = format!("/v1/media/{}", object_id());
    let fetched = service.client.get(service.at(&path)).send().await;
    assert_problem(fetched.expect("an answer"), 503, "unavailable").await;
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());

    for length in [1000, 600_000] {
        let started = Instant::now();
        let uploaded = service
            .client
            .post(service.at("/v1/media"))
            .bearer_auth(Token::Valid.of(&object_id()))
            .multipart(form(&png(length)))
            .send()
            .await
            .expect("an answer");
        assert!(uploaded.headers().contains_key("retry-after"));
        assert_problem(uploaded, 503, "unavailable").await;
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn without_rabbitmq_files_are_taken_all_the_same() {
    let service = Stores {
        rabbitmq: format!("amqp://{NOWHERE}/%2f"),
        ..Stores::real()
    }
    .start()
    .await;
    wait_until("only the broker is missing", async || {
        let reasons = unready(&service).await;
        reasons.contains("\"mongodb\",\"ready\":true")
            && reasons.contains("\"rabbitmq\",\"ready\":false")
    })
    .await;

    let uploaded = service
        .client
        .post(service.at("/v1/media"))
        .bearer_auth(Token::Valid.of(&object_id()))
        .multipart(form(&png(1000)))
        .send()
        .await
        .expect("an answer");
    assert_eq!(uploaded.status(), 201);
}

const BODY_HEAD: &str =
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";

async fn stage_behind(proxy: &Proxy) -> Stage {
    Stage::on(Stores {
        mongodb: proxy.url.clone(),
        ..Stores::real()
    })
    .await
}

#[tokio::test]
async fn mongodb_lost_in_the_middle_of_an_upload_is_told_and_leaves_nothing() {
    let proxy = Proxy::open(&test_kit::database_url()).await;
    let stage = stage_behind(&proxy).await;
    let mut connection = stage
        .begin_upload("Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 900000\r\n")
        .await;
    let bytes = [BODY_HEAD.as_bytes(), &png(600_000)].concat();
    connection.write_all(&bytes).await.expect("taken");
    wait_until("some of it is stored", async || {
        crate::stage::count(&stage.chunks(), mongodb::bson::doc! {}).await > 0
    })
    .await;
    proxy.cut();
    // What follows may not be taken any more; the answer comes all the same.
    let _ = connection.write_all(&png(290_000)).await;
    let started = Instant::now();
    assert!(answer(&mut connection).await.starts_with("HTTP/1.1 503"));
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());

    proxy.reopen();
    stage.assert_nothing_stays().await;
    stage.upload(&png(1000)).await;
}

#[tokio::test]
async fn mongodb_lost_in_the_middle_of_a_download_breaks_it_off_and_the_next_one_is_whole() {
    let proxy = Proxy::open(&test_kit::database_url()).await;
    let settings = ["--max-upload-bytes", "33554432"].map(str::to_owned).into();
    let stage = Stage::on(Stores {
        mongodb: proxy.url.clone(),
        settings,
        ..Stores::real()
    })
    .await;
    // More than the sockets in between hold.
    let bytes = png(24 * 1024 * 1024);
    let id = stage.upload(&bytes).await;
    let mut pieces = stage.fetch(&id, &[]).await.bytes_stream();
    pieces.next().await.expect("a piece").expect("bytes");
    proxy.cut();
    let rest: Vec<_> = pieces.collect().await;
    assert!(
        rest.iter().any(Result::is_err),
        "the client sees that some are missing"
    );

    proxy.reopen();
    let mut whole = Vec::new();
    wait_until("the file is whole again", async || {
        let fetched = stage.fetch(&id, &[]).await;
        let is_ok = fetched.status() == 200;
        whole = fetched.bytes().await.unwrap_or_default().to_vec();
        is_ok
    })
    .await;
    assert!(whole == bytes);
}
