//! Files that are taken.

use futures::StreamExt;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use test_kit::Token;

use crate::stage::{MAX_UPLOAD_BYTES, PNG, Stage, form, png};

#[tokio::test]
async fn a_file_is_found_under_the_address_it_was_given() {
    let stage = Stage::new().await;
    let bytes = png(700_000);
    let response = stage.send(form(&bytes)).await;
    assert_eq!(response.status(), 201);
    assert!(response.headers().get("deprecation").is_none());
    let location = response.headers()["location"].clone();
    let answer: Value = response.json().await.expect("JSON");
    assert_eq!(answer["success"], true);
    assert!(answer["message"].is_string());

    let url = answer["url"].as_str().expect("a URL");
    let id = answer["mediaId"].as_str().expect("an id");
    assert_eq!(location, format!("/v1/media/{id}"));
    assert_eq!(url, stage.service.at(&format!("/v1/media/{id}")));
    let fetched = stage.service.client.get(url).send().await.expect("a file");
    assert_eq!(fetched.bytes().await.expect("bytes"), bytes);
}

#[tokio::test]
async fn the_older_path_answers_alike_and_says_that_it_is_deprecated() {
    let stage = Stage::new().await;
    let response = stage
        .service
        .client
        .post(stage.service.at("/v1/media/upload-media"))
        .bearer_auth(Token::Valid.of(&stage.user))
        .multipart(form(&png(100)))
        .send()
        .await
        .expect("an answer");

    assert_eq!(response.status(), 201);
    assert!(response.headers().contains_key("deprecation"));
    let answer: Value = response.json().await.expect("JSON");
    let id = answer["mediaId"].as_str().expect("an id");
    assert_eq!(stage.fetch(id, &[]).await.status(), 200);
}

#[tokio::test]
async fn the_address_is_the_one_the_gateway_was_reached_under() {
    let stage = Stage::new().await;
    let response = stage
        .service
        .client
        .post(stage.service.at("/v1/media"))
        .bearer_auth(Token::Valid.of(&stage.user))
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "social.example")
        .multipart(form(&png(100)))
        .send()
        .await
        .expect("an answer");

    let answer: Value = response.json().await.expect("JSON");
    let url = answer["url"].as_str().expect("a URL");
    assert!(url.starts_with("https://social.example/v1/media/"), "{url}");
}

#[tokio::test]
async fn the_type_is_read_from_the_bytes() {
    let stage = Stage::new().await;
    let cases: [(&[u8], &str); 5] = [
        (
            b"\xff\xd8\xff\xe0\0\x04JF\xff\xc0\0\x0b\x08\0\x01\0\x01\x01",
            "image/jpeg",
        ),
        (PNG, "image/png"),
        (b"GIF89a\x01\0\x01\0\0\0", "image/gif"),
        (
            b"RIFF\x24\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x01\0\x01\0",
            "image/webp",
        ),
        (b"\0\0\0\x20ftypisom\0\0\x02\0", "video/mp4"),
    ];
    for (bytes, expected) in cases {
        let id = stage.upload(bytes).await;
        let fetched = stage.fetch(&id, &[]).await;
        assert_eq!(fetched.headers()["content-type"], expected);
        assert_eq!(fetched.bytes().await.expect("bytes"), bytes);
    }
}

#[tokio::test]
async fn a_file_may_arrive_in_any_pieces_and_without_a_length() {
    let stage = Stage::new().await;
    let bytes = png(300_000);
    let mut pieces: Vec<_> = bytes[..64].chunks(1).map(<[u8]>::to_vec).collect();
    pieces.extend(bytes[64..].chunks(7919).map(<[u8]>::to_vec));
    let stream = futures::stream::iter(pieces).then(async |piece| {
        tokio::task::yield_now().await;
        Ok::<_, std::io::Error>(piece)
    });
    let part = Part::stream(Body::wrap_stream(stream)).file_name("a");
    let response = stage.send(Form::new().part("file", part)).await;
    assert_eq!(response.status(), 201);
    let answer: Value = response.json().await.expect("JSON");
    let id = answer["mediaId"].as_str().expect("an id");

    let fetched = stage.fetch(id, &[]).await;
    assert_eq!(fetched.bytes().await.expect("bytes"), bytes);
}

#[tokio::test]
async fn the_largest_file_is_taken_and_other_fields_are_skipped() {
    let stage = Stage::new().await;
    let bytes = png(MAX_UPLOAD_BYTES);
    let form = form(&bytes)
        .text("caption", "x".repeat(10_000))
        .part("thumbnail", Part::bytes(vec![0; 10_000]).file_name("t"));
    let response = stage.send(form).await;
    assert_eq!(response.status(), 201);
    let answer: Value = response.json().await.expect("JSON");
    let id = answer["mediaId"].as_str().expect("an id");

    let fetched = stage.fetch(id, &[]).await;
    assert_eq!(fetched.bytes().await.expect("bytes"), bytes);
}
