//! What fuzzers and tests put any bytes into. It panics when a form gives what is not in it, or more than is allowed.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures::executor::block_on;
use futures::stream;

use super::Form;

const LIMIT: usize = 4096;
const HEAD: &[u8] = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
const END: &[u8] = b"\r\n--x--\r\n";

/// The first byte says in pieces of which length the rest arrives, as a form and as the file of one.
pub fn multipart(data: &[u8]) {
    let Some((length, data)) = data.split_first() else {
        return;
    };
    let length = usize::from(*length) + 1;
    files(data, length);

    let form = [HEAD, data, END].concat();
    let ends_early = form[HEAD.len() - 2..]
        .windows(5)
        .position(|part| part == b"\r\n--x")
        .is_some_and(|at| at < data.len() + 2);
    if !ends_early && data.len() <= LIMIT {
        assert_eq!(files(&form, length), [data], "the file is what was sent");
    }
}

/// The files that were whole.
fn files(form: &[u8], length: usize) -> Vec<Vec<u8>> {
    let pieces: Vec<_> = form
        .chunks(length)
        .map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)))
        .collect();
    let request = Request::builder()
        .header(CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(Body::from_stream(stream::iter(pieces)))
        .expect("the header is valid");
    let Ok(mut form) = Form::open(request, LIMIT as u64) else {
        return Vec::new();
    };
    let mut parts = form.parts();
    let mut whole = Vec::new();
    block_on(async {
        while let Ok(Some(mut file)) = parts.next_file().await {
            let mut content = Vec::new();
            loop {
                match file.next().await {
                    Ok(Some(bytes)) => content.extend_from_slice(&bytes),
                    Ok(None) => break,
                    Err(_) => return,
                }
                assert!(content.len() <= LIMIT, "no more is given than allowed");
            }
            whole.push(content);
        }
    });

    whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(data in proptest::collection::vec(any::<u8>(), 0..6000)) {
            multipart(&data);
        }

        #[test]
        fn what_looks_like_a_form_is_read_to_an_end(
            parts in proptest::collection::vec(
                r#"(--x)?(--)?\r?\n?|Content-Disposition: form-data; name="?file"?[;\r\n]{0,4}|[ -~]{0,40}"#, 0..30),
            length in any::<u8>(),
        ) {
            multipart(&[&[length], parts.concat().as_bytes()].concat());
        }
    }
}
