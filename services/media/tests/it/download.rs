//! Files on their way out.

use mongodb::bson::doc;
use test_kit::assert_problem;

use crate::stage::{Stage, png};

const CHUNK: usize = 255 * 1024;

#[tokio::test]
async fn a_file_may_be_kept_by_everyone_for_ever_and_does_no_harm() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(1000)).await;
    let response = stage.fetch(&id, &[]).await;
    assert_eq!(response.status(), 200);

    let headers = response.headers();
    let disposition = format!("inline; filename=\"{id}.png\"");
    let etag = format!("\"{id}\"");
    for (name, expected) in [
        ("content-type", "image/png"),
        ("content-length", "1000"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", &disposition),
        ("etag", &etag),
    ] {
        assert_eq!(headers[name], expected, "{name}");
    }
    let policy = headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"));
}

#[tokio::test]
async fn a_range_is_cut_out_of_the_chunks_it_touches() {
    let stage = Stage::new().await;
    let bytes = png(3 * CHUNK + 1000);
    let id = stage.upload(&bytes).await;
    let length = bytes.len();
    let cases = [
        ("bytes=0-0".to_owned(), 0, 0),
        ("bytes=0-".to_owned(), 0, length - 1),
        (format!("bytes={}-{}", CHUNK - 1, CHUNK), CHUNK - 1, CHUNK),
        (
            format!("bytes={}-{}", CHUNK, 2 * CHUNK - 1),
            CHUNK,
            2 * CHUNK - 1,
        ),
        (format!("bytes={}-{}", 10, 3 * CHUNK + 5), 10, 3 * CHUNK + 5),
        ("bytes=-500".to_owned(), length - 500, length - 1),
        (
            format!("bytes={}-999999999", length - 1),
            length - 1,
            length - 1,
        ),
    ];
    for (range, first, last) in cases {
        let response = stage.fetch(&id, &[("range", &range)]).await;
        assert_eq!(response.status(), 206, "{range}");
        assert_eq!(
            response.headers()["content-range"],
            format!("bytes {first}-{last}/{length}"),
            "{range}"
        );
        assert_eq!(
            response.headers()["content-length"],
            (last - first + 1).to_string(),
            "{range}"
        );
        let part = response.bytes().await.expect("bytes");
        assert!(part == bytes[first..=last], "{range}");
    }
}

#[tokio::test]
async fn a_range_behind_the_end_is_refused_with_the_length() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(1000)).await;
    for range in ["bytes=1000-", "bytes=-0"] {
        let response = stage.fetch(&id, &[("range", range)]).await;
        assert_eq!(response.headers()["content-range"], "bytes */1000");
        assert_problem(response, 416, "range_not_satisfiable").await;
    }
}

#[tokio::test]
async fn what_is_no_single_range_gets_the_whole_file() {
    let stage = Stage::new().await;
    let bytes = png(1000);
    let id = stage.upload(&bytes).await;
    let cases: [&[(&str, &str)]; 4] = [
        &[("range", "bytes=0-1,5-6")],
        &[("range", "bytes=5-2")],
        &[("range", "pages=1-2")],
        &[("range", "bytes=0-1"), ("if-range", "\"another\"")],
    ];
    for headers in cases {
        let response = stage.fetch(&id, headers).await;
        assert_eq!(response.status(), 200, "{headers:?}");
        assert_eq!(response.bytes().await.expect("bytes"), bytes, "{headers:?}");
    }
}

#[tokio::test]
async fn a_file_the_client_has_is_not_sent_again() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(1000)).await;
    let etag = format!("\"{id}\"");
    for known in [etag.clone(), format!("W/{etag}"), "*".to_owned()] {
        let response = stage.fetch(&id, &[("if-none-match", &known)]).await;
        assert_eq!(response.status(), 304, "{known}");
        assert_eq!(response.headers()["etag"], etag);
        assert!(response.headers().contains_key("cache-control"));
        assert!(response.bytes().await.expect("no bytes").is_empty());
    }
    let other = stage.fetch(&id, &[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn head_says_what_get_would_send() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(1000)).await;
    let response = stage
        .service
        .client
        .head(stage.service.at(&format!("/v1/media/{id}")))
        .header("range", "bytes=0-1")
        .send()
        .await
        .expect("an answer");

    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], "1000");
    assert_eq!(response.headers()["content-type"], "image/png");
    assert!(response.bytes().await.expect("no bytes").is_empty());
}

#[tokio::test]
async fn a_file_whose_bytes_are_going_is_gone() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(1000)).await;
    let chunks = stage.chunks().delete_many(doc! {}).await;
    assert_eq!(chunks.expect("deleted").deleted_count, 1);

    assert_problem(stage.fetch(&id, &[]).await, 404, "media_not_found").await;
}

#[tokio::test]
async fn a_download_that_breaks_off_is_seen_as_broken() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(2 * CHUNK + 1000)).await;
    let last = stage.chunks().delete_one(doc! { "n": 2 }).await;
    assert_eq!(last.expect("deleted").deleted_count, 1);

    let response = stage.fetch(&id, &[]).await;
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}
