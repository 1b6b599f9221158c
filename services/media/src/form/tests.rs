use axum::body::Body;
use futures::stream;
use proptest::prelude::*;

use super::*;

const LIMIT: u64 = 10_000;

/// The first file of a body that arrives in pieces of this size.
async fn first_file(body: Vec<u8>, piece: usize) -> Result<Option<Vec<u8>>, Error> {
    let pieces: Vec<_> = body
        .chunks(piece)
        .map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)))
        .collect();
    let request = Request::builder()
        .header(CONTENT_TYPE, "multipart/form-data; boundary=b")
        .body(Body::from_stream(stream::iter(pieces)))
        .expect("a request");
    let mut form = Form::open(request, LIMIT)?;
    let mut parts = form.parts();
    let Some(mut file) = parts.next_file().await? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    while let Some(piece) = file.next().await? {
        bytes.extend_from_slice(&piece);
    }

    Ok(Some(bytes))
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(work)
}

fn form_of(file: &[u8]) -> Vec<u8> {
    [
        b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n".as_slice(),
        file,
        b"\r\n--b--\r\n",
    ]
    .concat()
}

proptest! {
    #[test]
    fn any_file_in_any_pieces_is_the_file(
        file in proptest::collection::vec(any::<u8>(), 0..2000),
        piece in 1..500_usize,
    ) {
        // The one thing a form promises about its parts.
        prop_assume!(!file.windows(5).any(|part| part == b"\r\n--b"));
        let seen = run(first_file(form_of(&file), piece)).expect("a form");

        prop_assert_eq!(seen, Some(file));
    }

    #[test]
    fn no_body_makes_it_panic_or_gives_more_than_the_limit(
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        cut in 0..400_usize,
        piece in 1..100_usize,
    ) {
        let mut body = form_of(&noise);
        body.truncate(cut);
        body.extend(&noise);
        if let Ok(Some(file)) = run(first_file(body, piece)) {
            prop_assert!(file.len() as u64 <= LIMIT);
        }
    }
}
