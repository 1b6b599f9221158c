//! What is refused for what it is or how much it is.

use test_kit::assert_problem;

use crate::stage::{MAX_UPLOAD_BYTES, PNG, Stage, form, png};

#[tokio::test]
async fn a_picture_that_would_unfold_into_gigabytes_is_refused_by_its_header() {
    let stage = Stage::new().await;
    let mut bomb = png(700_000);
    bomb[16..24].copy_from_slice(b"\0\0\xff\xff\0\0\xff\xff");
    assert_problem(stage.send(form(&bomb)).await, 422, "too_many_pixels").await;

    // The size stands behind 600,000 bytes that are stored by then.
    let comment = [b"\xff\xfe\xff\xff".as_slice(), &[b' '; 65_533]].concat();
    let jpeg = [
        b"\xff\xd8".as_slice(),
        &comment.repeat(9),
        b"\xff\xc0\0\x0b\x08\xff\xff\xff\xff\x01",
    ]
    .concat();
    assert_problem(stage.send(form(&jpeg)).await, 422, "too_many_pixels").await;
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn a_header_that_is_cut_off_or_lies_is_refused() {
    let stage = Stage::new().await;
    let mut empty = png(1000);
    empty[16..20].copy_from_slice(&[0; 4]);
    let cases: [&[u8]; 5] = [
        &PNG[..20],
        &empty,
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01",
        b"GIF89a\x01\0",
        b"RIFF\x24\0\0\0WEBPVP8 \0\0\0\0",
    ];
    for bytes in cases {
        assert_problem(stage.send(form(bytes)).await, 422, "broken_image").await;
    }
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn only_the_types_of_the_setting_are_kept() {
    let stage = Stage::with(&["--allowed-media-types", "image/gif,image/webp"]).await;
    let refused = stage.send(form(&png(100))).await;
    let problem = assert_problem(refused, 415, "media_type_not_allowed").await;
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("image/gif, image/webp")),
        "{problem}"
    );

    stage.upload(b"GIF89a\x01\0\x01\0;").await;
}

/// What some program would take for a page or a script is handed out as the picture it begins as, and nothing else.
#[tokio::test]
async fn a_polyglot_is_handed_out_as_a_picture_that_can_do_nothing() {
    let stage = Stage::new().await;
    let script = b"/*\0<html><svg onload=alert(1)><script>alert(1)</script>*/=1;";
    let gif = [b"GIF89a\x01\0\x01\0".as_slice(), script].concat();
    let id = stage.upload(&gif).await;

    let fetched = stage.fetch(&id, &[]).await;
    let headers = fetched.headers();
    assert_eq!(headers["content-type"], "image/gif");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let policy = headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"));
    let name = headers["content-disposition"].to_str().expect("text");
    assert!(name.ends_with(".gif\""), "{name}");
}

#[tokio::test]
async fn a_persons_files_stay_within_the_quota() {
    let quota = (2 * MAX_UPLOAD_BYTES).to_string();
    let stage = Stage::with(&["--user-quota-bytes", &quota]).await;
    stage.upload(&png(MAX_UPLOAD_BYTES)).await;
    stage.upload(&png(MAX_UPLOAD_BYTES)).await;
    let refused = stage.send(form(&png(100))).await;
    assert_problem(refused, 413, "quota_exceeded").await;

    let somebody_else = Stage {
        user: test_kit::object_id(),
        ..stage
    };
    somebody_else.upload(&png(100)).await;
}
