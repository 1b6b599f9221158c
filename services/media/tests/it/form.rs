//! Forms that are not what they should be, and clients that lie or leave.

use mongodb::bson::doc;
use reqwest::multipart::{Form, Part};
use test_kit::assert_problem;
use tokio::io::AsyncWriteExt;

use crate::stage::{MAX_UPLOAD_BYTES, Stage, answer, count, file, form, png, wait_until};

const FORM: &str = "Content-Type: multipart/form-data; boundary=b\r\n";
const FILE: &str =
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n";

#[tokio::test]
async fn a_form_has_exactly_one_file_with_something_in_it() {
    let stage = Stage::new().await;
    let picture = png(400_000);
    let cases = [
        (Form::new().text("caption", "none"), "file_missing"),
        (Form::new().part("image", file(&png(100))), "file_missing"),
        (form(b""), "file_empty"),
        (
            form(&picture).part("file", file(&picture)),
            "too_many_files",
        ),
    ];
    for (form, code) in cases {
        let problem = assert_problem(stage.send(form).await, 422, code).await;
        assert_eq!(problem["field"], "file");
    }
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let stage = Stage::new().await;
    let cases = [
        (None, 415, "not_multipart"),
        (Some("application/json"), 415, "not_multipart"),
        (Some("multipart/mixed; boundary=b"), 415, "not_multipart"),
        (Some("nonsense"), 415, "not_multipart"),
        (Some("multipart/form-data"), 400, "broken_multipart"),
    ];
    for (content_type, status, code) in cases {
        let mut request = stage.service.client.post(stage.service.at("/v1/media"));
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let response = request
            .bearer_auth(test_kit::Token::Valid.of(&stage.user))
            .body("{}")
            .send()
            .await
            .expect("an answer");
        assert_problem(response, status, code).await;
    }
}

#[tokio::test]
async fn a_broken_form_is_refused_and_leaves_nothing() {
    let stage = Stage::new().await;
    let picture = String::from_utf8_lossy(&png(20)).into_owned();
    let cases = [
        String::new(),
        "no boundary anywhere".to_owned(),
        "--b".to_owned(),
        "--b\r\nContent-Disposition: form-data; name=\"file\"".to_owned(),
        "--b\r\n: no name\r\n\r\nx\r\n--b--\r\n".to_owned(),
        FILE.to_owned(),
        format!("{FILE}{picture}"),
        format!("{FILE}\u{89}"),
    ];
    for body in cases {
        let response = stage
            .service
            .client
            .post(stage.service.at("/v1/media"))
            .header("content-type", "multipart/form-data; boundary=b")
            .bearer_auth(test_kit::Token::Valid.of(&stage.user))
            .body(body.clone())
            .send()
            .await
            .expect("an answer");
        let status = response.status().as_u16();
        assert!(matches!(status, 400 | 415), "{status} for {body:?}");
    }
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_anything_is_read() {
    let stage = Stage::new().await;
    let mut connection = stage
        .begin_upload(&format!("{FORM}Content-Length: 10000000000\r\n"))
        .await;
    let seen = answer(&mut connection).await;

    assert!(seen.starts_with("HTTP/1.1 413 "), "{seen}");
}

#[tokio::test]
async fn a_client_that_asks_first_is_not_told_to_send_too_much() {
    let stage = Stage::new().await;
    let mut connection = stage
        .begin_upload(&format!(
            "{FORM}Content-Length: 10000000000\r\nExpect: 100-continue\r\n"
        ))
        .await;
    let seen = answer(&mut connection).await;

    assert!(seen.starts_with("HTTP/1.1 413 "), "{seen}");
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_while_it_arrives() {
    let stage = Stage::new().await;
    let mut connection = stage
        .begin_upload(&format!("{FORM}Transfer-Encoding: chunked\r\n"))
        .await;
    // The body goes on for ever; the answer does not wait for its end.
    let (mut reader, mut writer) = connection.split();
    let endless = async {
        let body = [FILE.as_bytes(), &png(60_000)].concat();
        loop {
            let size = format!("{:x}\r\n", body.len());
            let piece = [size.as_bytes(), &body, b"\r\n"].concat();
            if writer.write_all(&piece).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut seen = Vec::new();
    let heard = async {
        while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
            tokio::io::AsyncReadExt::read_buf(&mut reader, &mut seen)
                .await
                .expect("an answer");
        }
    };
    tokio::select! {
        () = endless => {}
        () = heard => {}
    }

    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.starts_with("HTTP/1.1 413 "), "{seen}");
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn a_client_that_listens_last_still_hears_that_its_file_is_too_large() {
    let stage = Stage::new().await;
    for length in [MAX_UPLOAD_BYTES + 1, 8 * MAX_UPLOAD_BYTES] {
        let response = stage.send(form(&png(length))).await;
        assert_problem(response, 413, "too_large").await;
    }
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn what_surrounds_a_file_is_bounded() {
    let stage = Stage::new().await;
    let long = "x".repeat(400_000);
    let forms = [
        Form::new().text("caption", long.clone()),
        Form::new().part("file", Part::bytes(png(100)).file_name(long)),
    ];
    for form in forms {
        assert_problem(stage.send(form).await, 413, "too_large").await;
    }
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn a_body_shorter_than_it_says_leaves_nothing() {
    let stage = Stage::new().await;
    // More bytes than announced are another request's affair; fewer are an upload without its end.
    let body = [FILE.as_bytes(), &png(1000), b"\r\n--b--\r\n"].concat();
    let mut connection = stage
        .begin_upload(&format!("{FORM}Content-Length: {}\r\n", body.len() - 100))
        .await;
    connection.write_all(&body).await.expect("sent");
    let seen = answer(&mut connection).await;

    assert!(seen.starts_with("HTTP/1.1 400 "), "{seen}");
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing() {
    let stage = Stage::new().await;
    let mut connection = stage
        .begin_upload(&format!("{FORM}Content-Length: 1000000\r\n"))
        .await;
    connection
        .write_all(&[FILE.as_bytes(), &png(700_000)].concat())
        .await
        .expect("sent");
    wait_until("two chunks are stored", async || {
        count(&stage.chunks(), doc! {}).await == 2
    })
    .await;
    drop(connection);

    stage.assert_nothing_stays().await;
}
