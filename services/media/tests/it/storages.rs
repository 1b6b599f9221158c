//! The places for files other than MongoDB itself.

use mongodb::bson::doc;
use test_kit::{Proxy, assert_problem};

use crate::cloudinary::Cloudinary;
use crate::stage::{Stage, Stores, count, form, png};

/// The settings of the S3 server behind `url`, `http://<key>:<secret>@<host>:<port>/<bucket>`.
pub fn s3(url: &str) -> Vec<String> {
    let url = reqwest::Url::parse(url).expect("a URL");
    let endpoint = format!(
        "http://{}:{}",
        url.host_str().expect("a host"),
        url.port().expect("a port")
    );

    [
        "--media-storage",
        "s3",
        "--s3-endpoint",
        &endpoint,
        "--s3-bucket",
        url.path().trim_start_matches('/'),
        "--s3-access-key-id",
        url.username(),
        "--s3-secret-access-key",
        url.password().expect("a secret"),
    ]
    .map(str::to_owned)
    .into()
}

async fn stage(settings: Vec<String>) -> Stage {
    Stage::on(Stores {
        settings,
        ..Stores::real()
    })
    .await
}

/// What every place has to do.
async fn keeps_hands_out_and_removes(stage: &Stage, length: usize) {
    let bytes = png(length);
    let id = stage.upload(&bytes).await;
    assert_eq!(count(&stage.chunks(), doc! {}).await, 0);

    let whole = stage.fetch(&id, &[]).await;
    assert_eq!(whole.bytes().await.expect("bytes"), bytes);
    let middle = length / 2;
    let range = format!("bytes={middle}-{}", middle + 9);
    let part = stage.fetch(&id, &[("range", &range)]).await;
    assert_eq!(part.status(), 206);
    assert_eq!(
        part.bytes().await.expect("bytes"),
        bytes[middle..middle + 10]
    );

    stage
        .media()
        .update_many(
            doc! {},
            doc! { "$set": { "unclaimedSince": mongodb::bson::DateTime::MIN } },
        )
        .await
        .expect("aged");
    crate::stage::wait_until("the file is removed", async || {
        stage.fetch(&id, &[]).await.status() == 404
            && count(&stage.media(), doc! {}).await == 0
            && count(&stage.uploads(), doc! {}).await == 0
    })
    .await;
}

#[tokio::test]
async fn s3_keeps_hands_out_and_removes() {
    let mut settings = s3(&test_kit::s3_url());
    settings.extend(["--unclaimed-upload-seconds", "2"].map(str::to_owned));
    let stage = stage(settings).await;

    keeps_hands_out_and_removes(&stage, 600_000).await;
}

#[tokio::test]
async fn s3_takes_a_file_of_several_parts() {
    let mut settings = s3(&test_kit::s3_url());
    settings.extend(["--unclaimed-upload-seconds", "2"].map(str::to_owned));
    settings.extend(["--max-upload-bytes", "16777216"].map(str::to_owned));
    let stage = stage(settings).await;

    keeps_hands_out_and_removes(&stage, 12_000_000).await;
}

#[tokio::test]
async fn s3_away_is_told_and_back_is_seen_without_a_restart() {
    let proxy = Proxy::open(&test_kit::s3_url()).await;
    let stage = stage(s3(&proxy.url)).await;
    let id = stage.upload(&png(1000)).await;
    proxy.cut();

    assert_problem(stage.fetch(&id, &[]).await, 503, "unavailable").await;
    assert_problem(stage.send(form(&png(1000))).await, 503, "unavailable").await;

    proxy.reopen();
    assert_eq!(stage.fetch(&id, &[]).await.status(), 200);
    stage.upload(&png(1000)).await;
}

#[tokio::test]
async fn cloudinary_keeps_hands_out_and_removes() {
    for algorithm in ["sha1", "sha256"] {
        let cloudinary = Cloudinary::start(algorithm).await;
        let mut settings = cloudinary.settings();
        settings.extend(["--unclaimed-upload-seconds", "2"].map(str::to_owned));
        let stage = stage(settings).await;

        keeps_hands_out_and_removes(&stage, 600_000).await;
        assert_eq!(cloudinary.files(), 0, "{algorithm}");
    }
}

#[tokio::test]
async fn cloudinary_refusing_or_away_is_told() {
    let cloudinary = Cloudinary::start("sha256").await;
    let mut settings = cloudinary.settings();
    for setting in &mut settings {
        *setting = setting.replace("the-secret", "another");
    }
    let refused = stage(settings).await;
    assert_problem(refused.send(form(&png(1000))).await, 500, "internal").await;

    let mut settings = cloudinary.settings();
    for setting in &mut settings {
        *setting = setting.replace(&cloudinary.url, "http://127.0.0.1:1");
    }
    let away = stage(settings).await;
    assert_problem(away.send(form(&png(600_000))).await, 503, "unavailable").await;
}

#[tokio::test]
async fn a_place_that_lacks_a_setting_ends_the_start() {
    let cases = [
        ("s3", "MEDIA_STORAGE is s3, and S3_ENDPOINT is not set"),
        (
            "cloudinary",
            "MEDIA_STORAGE is cloudinary, and CLOUDINARY_URL is not set",
        ),
    ];
    for (place, expected) in cases {
        let refused = Stores::with(&["--media-storage", place]).refused().await;
        assert_eq!(refused, expected);
    }
}
